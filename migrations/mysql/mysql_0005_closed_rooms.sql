-- Every search asks which rooms were deleted.
CREATE INDEX rooms_by_deletion ON rooms (deleted_at);
