-- Which traces got agent spans, and when: what the processor follows. One row per trace and flush.
-- Written by writer/ after agent_spans, so that whoever reads a row here finds its spans there.
CREATE TABLE IF NOT EXISTS trace_arrivals
(
    arrived_at DateTime64(9, 'UTC')  CODEC(Delta, ZSTD(1)),
    trace_id   String                CODEC(ZSTD(1)),
    spans      UInt32                CODEC(T64, ZSTD(1)),
    has_root   Bool  -- a span without a parent, or a workflow span, came: the run may have ended
)
ENGINE = MergeTree
ORDER BY arrived_at
SETTINGS non_replicated_deduplication_window = 1000
