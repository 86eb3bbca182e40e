-- Times that the database was found older than it had been, as after a restore. One without an end is being repaired.
CREATE TABLE IF NOT EXISTS rewinds (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  -- What showed it.
  evidence BLOB NOT NULL,
  found_at BIGINT NOT NULL,
  finished_at BIGINT NULL,
  -- Messages and changes that came back from the index, and messages of which only the number was left.
  messages BIGINT NOT NULL DEFAULT 0,
  holes BIGINT NOT NULL DEFAULT 0
) ENGINE=InnoDB;
