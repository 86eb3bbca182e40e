-- The service merges the index of words itself, a little with each transaction: by itself FTS5 merges seldom and much, and
-- who sends something then waits.
INSERT INTO message_words (message_words, rank) VALUES ('automerge', 0);
