-- The head of the one lane.
CREATE TABLE journal_lanes (
  lane INTEGER PRIMARY KEY,
  head INTEGER NOT NULL DEFAULT 0
);

-- Words of the messages that are not deleted, by `messages.id`. The words are cut by the service, which writes them
-- separated by spaces; `tags` are what a message is, not what it says: its room, its author, what it holds. Beginnings
-- of two letters have an index of their own: somebody who types asks for them, and most messages have them.
CREATE VIRTUAL TABLE message_words USING fts5 (text, tags, content = '', tokenize = 'ascii', prefix = '2');

-- By which version of the service's analysis the words were cut; another one makes them anew.
CREATE TABLE message_words_state (
  one INTEGER PRIMARY KEY,
  analysis INTEGER NOT NULL
);
