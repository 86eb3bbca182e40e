-- Deleted users whose messages are to be erased or anonymized, and were. Rows stay: the journal refuses whatever such a
-- user may still be sending, and after a restore everything is done again.
CREATE TABLE IF NOT EXISTS erasures (
  user_id BIGINT NOT NULL PRIMARY KEY,
  -- The index finds messages by it.
  user_name VARBINARY(256) NOT NULL,
  mode TINYINT NOT NULL,
  requested_at BIGINT NOT NULL,
  finished_at BIGINT NULL,
  -- Messages changed so far.
  messages BIGINT NOT NULL DEFAULT 0,
  -- The server that carries it out, and until when no other one takes it over.
  owner VARBINARY(64) NULL,
  leased_until BIGINT NOT NULL DEFAULT 0,
  KEY erasures_by_end (finished_at, user_id)
) ENGINE=InnoDB;
