-- Refs of edits and deletions: the same one again is the same change. Kept for as long as the room, as its changes are.
CREATE TABLE change_refs (
  room_id INTEGER NOT NULL,
  -- Who changed the message: not always its author.
  user_id INTEGER NOT NULL,
  ref TEXT NOT NULL,
  event INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  -- Of the text that the message was given.
  digest INTEGER NOT NULL,
  happened_at INTEGER NOT NULL,
  PRIMARY KEY (room_id, user_id, ref)
) WITHOUT ROWID;
