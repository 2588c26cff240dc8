-- One row per run (kpis.md "Run"). Replaced whole by the processor whenever one of its spans arrives.
-- No partition: the key of a partition must never change for a row, and a late span moves a start.
CREATE TABLE IF NOT EXISTS runs
(
    run_id             String                            CODEC(ZSTD(1)),
    root_trace_id      String                            CODEC(ZSTD(1)),
    root_span_id       String                            CODEC(ZSTD(1)),
    parent_run_id      String                            CODEC(ZSTD(1)),  -- '' for a top run: the only ones KPIs count
    trace_ids          Array(String),
    implicit           Bool,                             -- no workflow span, no agent as a trace root
    service            LowCardinality(String),
    project            LowCardinality(String),
    workflow           LowCardinality(String),
    feature            LowCardinality(String),
    session_id         String                            CODEC(ZSTD(1)),
    conversation_id    String                            CODEC(ZSTD(1)),
    user_id            String                            CODEC(ZSTD(1)),
    plan               Array(LowCardinality(String)),
    agents             Array(LowCardinality(String)),    -- distinct, sorted
    path               String                            CODEC(ZSTD(1)),  -- 'triage > research + writer > critic'
    outcome            LowCardinality(String),           -- success failure cancelled running lost
    error_type         LowCardinality(String),
    status_message     String                            CODEC(ZSTD(1)),
    started_at         DateTime64(9, 'UTC')              CODEC(Delta, ZSTD(1)),
    ended_at           Nullable(DateTime64(9, 'UTC')),   -- NULL while it runs
    queued_at          Nullable(DateTime64(9, 'UTC')),
    duration_ns        Nullable(UInt64),
    active_ns          Nullable(UInt64),                 -- without the time in which it waited for a person
    agent_time_ns      Nullable(UInt64),                 -- of its agent runs, and gaps that no agent covers
    coordination_ns    Nullable(UInt64),                 -- part of it (kpis.md "Coordination"); NULL: no work, no leaf agent
    estimated_s        Nullable(Float64),
    estimated_cost_usd Nullable(Decimal(18, 12)),        -- sum over its tasks
    resilience_score   Nullable(Float64),                -- as its span says; the server's own wins
    parents_missing    UInt32                            CODEC(T64, ZSTD(1)),  -- spans whose parent is not stored
    multi_root_traces  Array(String),                    -- those of trace_ids with more than one root
    spans_seen         UInt32                            CODEC(T64, ZSTD(1)),
    agent_runs         UInt32                            CODEC(T64, ZSTD(1)),
    handoffs           UInt32                            CODEC(T64, ZSTD(1)),
    llm_calls          UInt32                            CODEC(T64, ZSTD(1)),
    tool_calls         UInt32                            CODEC(T64, ZSTD(1)),
    input_tokens       Nullable(UInt64),                 -- NULL: no call said any
    output_tokens      Nullable(UInt64),
    cache_read_tokens  Nullable(UInt64),
    cache_write_tokens Nullable(UInt64),
    reasoning_tokens   Nullable(UInt64),
    cost_usd           Nullable(Decimal(18, 12)),        -- sum of the priced calls; NULL when none is
    priced_calls       UInt32                            CODEC(T64, ZSTD(1)),
    unpriced_calls     UInt32                            CODEC(T64, ZSTD(1)),
    revision           UInt64                            CODEC(Delta, ZSTD(1)),
    is_deleted         UInt8
)
ENGINE = ReplacingMergeTree(revision, is_deleted)
ORDER BY run_id
SETTINGS index_granularity = 512, non_replicated_deduplication_window = 1000
