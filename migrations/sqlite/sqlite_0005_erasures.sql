-- Deleted users whose messages are to be erased or anonymized, and were. Rows stay: the journal refuses whatever such a
-- user may still be sending, and after a restore everything is done again.
CREATE TABLE erasures (
  user_id INTEGER NOT NULL PRIMARY KEY,
  user_name TEXT NOT NULL,
  mode INTEGER NOT NULL,
  requested_at INTEGER NOT NULL,
  finished_at INTEGER NULL,
  -- Messages changed so far.
  messages INTEGER NOT NULL DEFAULT 0,
  -- The server that carries it out, and until when no other one takes it over.
  owner TEXT NULL,
  leased_until INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX erasures_by_end ON erasures (finished_at, user_id);
