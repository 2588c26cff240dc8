-- One row per call of a model: the leaves among spans that report usage, so that no token is counted twice.
-- container = true: an agent or workflow span whose own usage or cost stands for calls nobody recorded.
CREATE TABLE IF NOT EXISTS llm_calls
(
    trace_id              String                            CODEC(ZSTD(1)),
    span_id               String                            CODEC(ZSTD(1)),
    run_id                String                            CODEC(ZSTD(1)),
    agent_run             String                            CODEC(ZSTD(1)),  -- span id of the nearest agent run, or ''
    container             Bool,
    coordination          Bool,                             -- kpis.md "Coordination"
    service               LowCardinality(String),
    project               LowCardinality(String),
    workflow              LowCardinality(String),
    agent                 LowCardinality(String),
    feature               LowCardinality(String),
    session_id            String                            CODEC(ZSTD(1)),
    conversation_id       String                            CODEC(ZSTD(1)),
    user_id               String                            CODEC(ZSTD(1)),
    provider              LowCardinality(String),
    model                 LowCardinality(String),
    outcome               LowCardinality(String),           -- success failure
    error_type            LowCardinality(String),
    started_at            DateTime64(9, 'UTC')              CODEC(Delta, ZSTD(1)),
    ended_at              DateTime64(9, 'UTC')              CODEC(Delta, ZSTD(1)),
    duration_ns           UInt64                            CODEC(T64, ZSTD(1)),
    time_to_first_token_s Nullable(Float64),
    input_tokens          Nullable(UInt64),
    output_tokens         Nullable(UInt64),
    cache_read_tokens     Nullable(UInt64),
    cache_write_tokens    Nullable(UInt64),
    reasoning_tokens      Nullable(UInt64),
    usage_partial         Bool,
    cost_usd              Nullable(Decimal(18, 12)),        -- NULL: unknown, see unknown_reason
    cost_source           LowCardinality(String),           -- provider genai-prices custom, '' when unknown
    price_version         LowCardinality(String),
    unknown_reason        LowCardinality(String),           -- '' when priced
    revision              UInt64                            CODEC(Delta, ZSTD(1)),
    is_deleted            UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
