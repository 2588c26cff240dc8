-- Spans that were announced by a log record `handspan.started` because they stayed open: columns of agent_spans, with a
-- duration of 0. A row says only that a span has begun; once its end is in agent_spans it counts no more.
-- Written by writer/ in the same step as otel_logs.
CREATE TABLE IF NOT EXISTS open_spans AS agent_spans
ENGINE = ReplacingMergeTree(received_at)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
