-- The digest of the text under which a message's ref was first stored, once the message is another; NULL before that, and
-- where the ref was not a client's. The same ref with another text is told by it.
ALTER TABLE messages ADD COLUMN first_text INTEGER;
