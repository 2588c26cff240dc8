-- Traces that were idle and lacked a span between their agent spans: another's (HTTP, database) may still come, hours
-- late, and has no row in agent_spans to be noticed by (facts/filled.sql). Written by processor/; a row may be out of
-- date, which costs one look too many.
CREATE TABLE IF NOT EXISTS trace_gaps
(
    trace_id String                CODEC(ZSTD(1)),
    noted_at DateTime64(9, 'UTC')  CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(noted_at)
ORDER BY trace_id
SETTINGS index_granularity = 512, non_replicated_deduplication_window = 1000
