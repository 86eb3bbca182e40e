-- A write that waits for the disk: InnoDB may show a commit before it is flushed, and flushes all earlier ones with the
-- next. One row, one statement, so that a server that is stopped in between holds no lock.
CREATE TABLE IF NOT EXISTS journal_flushes (
  one TINYINT NOT NULL PRIMARY KEY,
  count BIGINT NOT NULL
) ENGINE=InnoDB;
