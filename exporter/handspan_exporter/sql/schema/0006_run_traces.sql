-- The run ids that a trace names: of the runs it is part of, of its spans' workflow ids, and of traces that it resumes.
-- What names the same id is recomputed together. Which traces a run has: runs.trace_ids. Written by processor/.
CREATE TABLE IF NOT EXISTS run_traces
(
    run_id     String  CODEC(ZSTD(1)),
    trace_id   String  CODEC(ZSTD(1)),
    revision   UInt64  CODEC(Delta, ZSTD(1)),
    is_deleted UInt8,
    INDEX idx_trace_id trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision, is_deleted)
ORDER BY (run_id, trace_id)
SETTINGS index_granularity = 512, non_replicated_deduplication_window = 1000
