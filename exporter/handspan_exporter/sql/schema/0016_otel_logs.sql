-- Every log record as it came, one row each: the table of the OpenTelemetry Collector's clickhouseexporter
-- (same columns, types and order), so that Grafana and other readers find what they know. Its companion tables
-- are for spans only. Written by writer/. Retention: retention/otel_logs.sql.
CREATE TABLE IF NOT EXISTS otel_logs
(
    Timestamp          DateTime64(9)                        CODEC(Delta, ZSTD(1)),
    TraceId            String                               CODEC(ZSTD(1)),
    SpanId             String                               CODEC(ZSTD(1)),
    TraceFlags         UInt8,
    SeverityText       LowCardinality(String)               CODEC(ZSTD(1)),
    SeverityNumber     UInt8,
    ServiceName        LowCardinality(String)               CODEC(ZSTD(1)),
    Body               String                               CODEC(ZSTD(1)),
    ResourceSchemaUrl  LowCardinality(String)               CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String)  CODEC(ZSTD(1)),
    ScopeSchemaUrl     LowCardinality(String)               CODEC(ZSTD(1)),
    ScopeName          String                               CODEC(ZSTD(1)),
    ScopeVersion       LowCardinality(String)               CODEC(ZSTD(1)),
    ScopeAttributes    Map(LowCardinality(String), String)  CODEC(ZSTD(1)),
    LogAttributes      Map(LowCardinality(String), String)  CODEC(ZSTD(1)),
    EventName          String                               CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_key mapKeys(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_value mapValues(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_log_attr_key mapKeys(LogAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_log_attr_value mapValues(LogAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_lower_body lower(Body) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8
)
ENGINE = MergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (toStartOfFiveMinutes(Timestamp), ServiceName, Timestamp)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
