-- The closed or open hours and days in which a fact changed since their KPI history was written. Written by processor/
-- before the facts themselves, so that a kill in between costs one needless answer and never a stale bucket.
CREATE TABLE IF NOT EXISTS history_due
(
    bucket     DateTime('UTC')  CODEC(Delta, ZSTD(1)),
    grain      LowCardinality(String),  -- hour day
    revision   UInt64           CODEC(Delta, ZSTD(1)),
    is_deleted UInt8
)
ENGINE = ReplacingMergeTree(revision, is_deleted)
ORDER BY (grain, bucket)
SETTINGS non_replicated_deduplication_window = 1000
