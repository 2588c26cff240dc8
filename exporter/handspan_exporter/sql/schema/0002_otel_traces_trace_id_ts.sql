-- From when to when a trace has spans. Grafana's ClickHouse plugin reads it before it opens a trace;
-- a trace without a row here is shown as empty. Filled by 0003_otel_traces_trace_id_ts_mv.
CREATE TABLE IF NOT EXISTS otel_traces_trace_id_ts
(
    TraceId String                                  CODEC(ZSTD(1)),
    Start   SimpleAggregateFunction(min, DateTime)  CODEC(ZSTD(1)),
    End     SimpleAggregateFunction(max, DateTime)  CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toStartOfWeek(Start)
ORDER BY TraceId
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
