-- One row per decision that an agent recorded; handoffs, checks and people's answers have tables of their own.
CREATE TABLE IF NOT EXISTS decisions
(
    trace_id           String                         CODEC(ZSTD(1)),
    span_id            String                         CODEC(ZSTD(1)),
    run_id             String                         CODEC(ZSTD(1)),  -- top run, '' when in none
    agent_run          String                         CODEC(ZSTD(1)),  -- span id of the nearest agent run, or ''
    service            LowCardinality(String),
    project            LowCardinality(String),
    workflow           LowCardinality(String),
    agent              LowCardinality(String),
    feature            LowCardinality(String),
    session_id         String                         CODEC(ZSTD(1)),
    conversation_id    String                         CODEC(ZSTD(1)),
    user_id            String                         CODEC(ZSTD(1)),
    decision           LowCardinality(String),  -- what is decided
    choice             String                         CODEC(ZSTD(1)),
    alternatives       Array(String),
    confidence         Nullable(Float64),  -- 0..1
    reason             String                         CODEC(ZSTD(1)),
    started_at         DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    ended_at           DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    duration_ns        UInt64                         CODEC(T64, ZSTD(1)),
    revision           UInt64                         CODEC(Delta, ZSTD(1)),
    is_deleted         UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
