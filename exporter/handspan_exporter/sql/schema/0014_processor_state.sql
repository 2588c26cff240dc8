-- How far the processor has come: every arrival before this moment is in the facts ('facts'), or was looked back at
-- ('looked').
CREATE TABLE IF NOT EXISTS processor_state
(
    name     LowCardinality(String),
    moment   DateTime64(9, 'UTC'),
    revision UInt64
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY name
SETTINGS non_replicated_deduplication_window = 1000
