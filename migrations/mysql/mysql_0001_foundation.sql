-- The first schema. Names, refs and routings are bytes: they are compared bytewise, and no collation may equate two.
-- Times are milliseconds since 1970.

CREATE TABLE IF NOT EXISTS installation (
  one TINYINT NOT NULL PRIMARY KEY,
  id VARBINARY(32) NOT NULL,
  created_at BIGINT NOT NULL
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS users (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARBINARY(256) NOT NULL,
  display_name VARBINARY(1024) NULL,
  created_at BIGINT NOT NULL,
  -- A deleted user's name stays taken.
  deleted_at BIGINT NULL,
  UNIQUE KEY users_by_name (name)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS rooms (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARBINARY(1024) NULL,
  -- The name where it must be unique (public rooms), else NULL.
  unique_name VARBINARY(1024) NULL,
  topic BLOB NULL,
  kind TINYINT NOT NULL,
  lane INT NOT NULL,
  routing VARBINARY(64) NOT NULL,
  created_at BIGINT NOT NULL,
  created_by BIGINT NULL,
  -- The creator's own word for it: the same again gives the same room.
  ref VARBINARY(64) NULL,
  deleted_at BIGINT NULL,
  UNIQUE KEY rooms_by_name (unique_name),
  UNIQUE KEY rooms_by_ref (created_by, ref)
) ENGINE=InnoDB;

-- A counter row a room: made with it and never deleted, so that locking it never locks a gap.
CREATE TABLE IF NOT EXISTS room_positions (
  room_id BIGINT NOT NULL PRIMARY KEY,
  epoch VARBINARY(16) NOT NULL,
  last_event BIGINT NOT NULL DEFAULT 0,
  last_seq BIGINT NOT NULL DEFAULT 0,
  last_message_at BIGINT NULL,
  -- The import that alone may add to the room at the moment; NULL for none.
  import_id BIGINT NULL,
  is_closed TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS members (
  room_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  role TINYINT NOT NULL,
  read_seq BIGINT NOT NULL DEFAULT 0,
  joined_at BIGINT NOT NULL,
  PRIMARY KEY (room_id, user_id),
  KEY members_by_user (user_id, room_id)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS journal_lanes (
  lane INT NOT NULL PRIMARY KEY,
  -- The newest position.
  head BIGINT NOT NULL DEFAULT 0,
  -- Up to here everything is in the history index, refreshed.
  indexed BIGINT NOT NULL DEFAULT 0,
  -- Up to here rows were trimmed.
  trimmed BIGINT NOT NULL DEFAULT 0
) ENGINE=InnoDB;

-- Apart from journal_lanes, so that renewing a lease does not wait for a writer.
CREATE TABLE IF NOT EXISTS lane_leases (
  lane INT NOT NULL PRIMARY KEY,
  owner VARBINARY(64) NULL,
  -- Rises with each new owner: a fencing token.
  number BIGINT NOT NULL DEFAULT 0,
  expires_at DATETIME(3) NULL
) ENGINE=InnoDB;

-- A row is the whole state of its message after the event, so that the indexer needs nothing else.
CREATE TABLE IF NOT EXISTS journal (
  lane INT NOT NULL,
  position BIGINT NOT NULL,
  room_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  -- Number of this event; `created_event` is the one that created the message.
  event BIGINT NOT NULL,
  created_event BIGINT NOT NULL,
  kind TINYINT NOT NULL,
  last_seq BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  user_name VARBINARY(256) NOT NULL,
  ref VARBINARY(64) NULL,
  -- When the message was sent, when this event happened, when the text was last edited.
  sent_at BIGINT NOT NULL,
  happened_at BIGINT NOT NULL,
  edited_at BIGINT NULL,
  reply_to BIGINT NULL,
  routing VARBINARY(64) NOT NULL,
  room_kind TINYINT NOT NULL,
  nonce BIGINT NOT NULL,
  text MEDIUMBLOB NOT NULL,
  data BLOB NULL,
  PRIMARY KEY (lane, position),
  UNIQUE KEY journal_by_message (room_id, seq, event),
  KEY journal_by_ref (room_id, user_id, ref)
) ENGINE=InnoDB;

-- What happened to messages after they were sent. `last_seq`: the room's newest message then.
CREATE TABLE IF NOT EXISTS room_changes (
  room_id BIGINT NOT NULL,
  event BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  kind TINYINT NOT NULL,
  last_seq BIGINT NOT NULL,
  PRIMARY KEY (room_id, event),
  KEY room_changes_by_message (room_id, seq, event)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS dead_letters (
  lane INT NOT NULL,
  position BIGINT NOT NULL,
  room_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  reason BLOB NOT NULL,
  document MEDIUMBLOB NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (lane, position)
) ENGINE=InnoDB;

-- Imports under way and done, so that one that was killed goes on where it stood.
CREATE TABLE IF NOT EXISTS imports (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  -- The file's name and a digest of its beginning.
  source VARBINARY(512) NOT NULL,
  -- Bytes and lines of the (decompressed) file that are in the history.
  done_bytes BIGINT NOT NULL DEFAULT 0,
  done_lines BIGINT NOT NULL DEFAULT 0,
  imported BIGINT NOT NULL DEFAULT 0,
  rejected BIGINT NOT NULL DEFAULT 0,
  started_at BIGINT NOT NULL,
  finished_at BIGINT NULL,
  KEY imports_by_source (source)
) ENGINE=InnoDB;
