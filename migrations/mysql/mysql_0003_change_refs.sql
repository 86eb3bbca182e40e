-- Refs of edits and deletions: the same one again is the same change. Kept for as long as the room, as its changes are.
-- A table of its own, because this one can be made again after an interruption, and a column cannot everywhere.
CREATE TABLE IF NOT EXISTS change_refs (
  room_id BIGINT NOT NULL,
  -- Who changed the message: not always its author.
  user_id BIGINT NOT NULL,
  ref VARBINARY(64) NOT NULL,
  event BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  kind TINYINT NOT NULL,
  -- Of the text that the message was given.
  digest BIGINT NOT NULL,
  happened_at BIGINT NOT NULL,
  PRIMARY KEY (room_id, user_id, ref)
) ENGINE=InnoDB;
