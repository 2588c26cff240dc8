-- The parts of a table of another writer (setting attach) whose rows are in agent_spans. Written by writer/attached.py.
CREATE TABLE IF NOT EXISTS attached_parts
(
    source       String,  -- database, name and UUID of the table
    part         String,
    partition_id String,
    first        Int64,   -- number of the first insert in it
    last         Int64,
    rows         UInt64,
    revision     UInt64,
    is_deleted   UInt8    -- 1: merged into another, or dropped
)
ENGINE = ReplacingMergeTree(revision, is_deleted)
ORDER BY (source, part)
SETTINGS non_replicated_deduplication_window = 1000
