-- One row per handoff span, matched with the agent run that it started (kpis.md "handoff_loss_ratio").
CREATE TABLE IF NOT EXISTS handoffs
(
    trace_id         String                            CODEC(ZSTD(1)),
    span_id          String                            CODEC(ZSTD(1)),
    run_id           String                            CODEC(ZSTD(1)),
    service          LowCardinality(String),
    project          LowCardinality(String),
    workflow         LowCardinality(String),
    agent            LowCardinality(String),           -- the source: what a filter by agent means here
    feature          LowCardinality(String),
    session_id       String                            CODEC(ZSTD(1)),
    conversation_id  String                            CODEC(ZSTD(1)),
    user_id          String                            CODEC(ZSTD(1)),
    source           LowCardinality(String),
    target           LowCardinality(String),
    mode             LowCardinality(String),           -- return_to_caller pass_control
    target_type      LowCardinality(String),           -- agent human workflow
    reason           String                            CODEC(ZSTD(1)),
    artifacts        Array(String),
    payload_bytes    Nullable(UInt64),
    outcome          LowCardinality(String),           -- accepted refused lost pending
    ping_pong        Bool,                             -- pass_control, and the run's next handoff goes back
    target_trace_id  String                            CODEC(ZSTD(1)),  -- '' when unmatched
    target_span_id   String                            CODEC(ZSTD(1)),
    latency_ns       Nullable(UInt64),                 -- handoff start to target's start
    cost_usd         Nullable(Decimal(18, 12)),        -- of LLM calls whose nearest agent run this edge started
    started_at       DateTime64(9, 'UTC')              CODEC(Delta, ZSTD(1)),
    ended_at         DateTime64(9, 'UTC')              CODEC(Delta, ZSTD(1)),
    duration_ns      UInt64                            CODEC(T64, ZSTD(1)),
    revision         UInt64                            CODEC(Delta, ZSTD(1)),
    is_deleted       UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
