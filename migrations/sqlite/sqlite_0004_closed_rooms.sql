-- Every search asks which rooms were deleted.
CREATE INDEX IF NOT EXISTS rooms_by_deletion ON rooms (deleted_at);
