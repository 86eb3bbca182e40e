-- The first schema, table by table as MySQL's. TEXT is compared bytewise (the BINARY collation).
-- Times are milliseconds since 1970.

CREATE TABLE installation (
  one INTEGER NOT NULL PRIMARY KEY,
  id TEXT NOT NULL,
  created_at INTEGER NOT NULL
);

CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  display_name TEXT NULL,
  created_at INTEGER NOT NULL,
  -- A deleted user's name stays taken.
  deleted_at INTEGER NULL
);
CREATE UNIQUE INDEX users_by_name ON users (name);

CREATE TABLE rooms (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NULL,
  -- The name where it must be unique (public rooms), else NULL.
  unique_name TEXT NULL,
  topic TEXT NULL,
  kind INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  routing TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by INTEGER NULL,
  -- The creator's own word for it: the same again gives the same room.
  ref TEXT NULL,
  deleted_at INTEGER NULL
);
CREATE UNIQUE INDEX rooms_by_name ON rooms (unique_name);
CREATE UNIQUE INDEX rooms_by_ref ON rooms (created_by, ref);

-- A counter row a room: made with it and never deleted, so that locking it never locks a gap.
CREATE TABLE room_positions (
  room_id INTEGER NOT NULL PRIMARY KEY,
  epoch TEXT NOT NULL,
  last_event INTEGER NOT NULL DEFAULT 0,
  last_seq INTEGER NOT NULL DEFAULT 0,
  last_message_at INTEGER NULL,
  -- The import that alone may add to the room at the moment; NULL for none.
  import_id INTEGER NULL,
  is_closed INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE members (
  room_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  role INTEGER NOT NULL,
  read_seq INTEGER NOT NULL DEFAULT 0,
  joined_at INTEGER NOT NULL,
  PRIMARY KEY (room_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id, room_id);

-- Journal and history at once: each message in its present state. A deleted one keeps its row, without its content.
-- Ids are the time and, in the lower 20 bits, a number within its millisecond, so that both the table and the index of
-- words are in the order of time.
CREATE TABLE messages (
  id INTEGER PRIMARY KEY CHECK (id >> 12 = sent_at),
  room_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  event INTEGER NOT NULL,
  revised INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  user_name TEXT NOT NULL,
  ref TEXT NULL,
  sent_at INTEGER NOT NULL,
  edited_at INTEGER NULL,
  reply_to INTEGER NULL,
  is_deleted INTEGER NOT NULL DEFAULT 0,
  text TEXT NOT NULL,
  data TEXT NULL
);
CREATE UNIQUE INDEX messages_by_seq ON messages (room_id, seq);
CREATE INDEX messages_by_ref ON messages (room_id, user_id, ref) WHERE ref IS NOT NULL;

-- What happened to messages after they were sent. `last_seq`: the room's newest message then.
CREATE TABLE room_changes (
  room_id INTEGER NOT NULL,
  event INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  PRIMARY KEY (room_id, event)
);
CREATE INDEX room_changes_by_message ON room_changes (room_id, seq, event);

-- Imports under way and done, so that one that was killed goes on where it stood.
CREATE TABLE imports (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- The file's name and a digest of its beginning.
  source TEXT NOT NULL,
  -- Bytes and lines of the (decompressed) file that are in the history.
  done_bytes INTEGER NOT NULL DEFAULT 0,
  done_lines INTEGER NOT NULL DEFAULT 0,
  imported INTEGER NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER NOT NULL,
  finished_at INTEGER NULL
);
CREATE INDEX imports_by_source ON imports (source);
