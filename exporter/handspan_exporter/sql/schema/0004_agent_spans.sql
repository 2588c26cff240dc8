-- One typed row per span that is agent work, whatever convention named it (columns/mapping.py), and one per span event
-- that is (mapping.EVENT_KINDS): its span_id is that of its span, a dot, and its number there; its parent is that span.
-- A client may deliver a span twice: (trace_id, span_id) identifies it, the newest row replaces.
-- Written by writer/ in the same step as otel_traces, and by `handspan rebuild`.
CREATE TABLE IF NOT EXISTS agent_spans
(
    trace_id              String                            CODEC(ZSTD(1)),
    span_id               String                            CODEC(ZSTD(1)),
    parent_span_id        String                            CODEC(ZSTD(1)),
    started_at            DateTime64(9, 'UTC')              CODEC(Delta, ZSTD(1)),
    duration_ns           UInt64                            CODEC(T64, ZSTD(1)),
    name                  LowCardinality(String),
    service               LowCardinality(String),
    kind                  LowCardinality(String),  -- workflow agent plan handoff task llm tool retrieval embedding memory validation fault recovery human rating budget metric session queued decision message chain
    convention            LowCardinality(String),  -- handspan otel openinference openllmetry ...
    status                LowCardinality(String),  -- Unset Ok Error Untold: a workflow whose instrumentor never says that it failed
    error_type            LowCardinality(String),
    status_message        String                            CODEC(ZSTD(1)),
    -- who
    workflow_id           String                            CODEC(ZSTD(1)),
    workflow              LowCardinality(String),
    agent                 LowCardinality(String),
    attempt               UInt32                            CODEC(T64, ZSTD(1)),  -- 0: not said
    project               LowCardinality(String),
    feature               LowCardinality(String),
    session_id            String                            CODEC(ZSTD(1)),
    conversation_id       String                            CODEC(ZSTD(1)),
    user_id               String                            CODEC(ZSTD(1)),
    -- workflow
    workflow_plan         Array(LowCardinality(String)),
    workflow_estimated_s  Nullable(Float64),
    workflow_outcome      LowCardinality(String),
    resumes               Array(String),           -- trace ids of links with handspan.link = resumes
    -- agent, task
    agent_type            LowCardinality(String),
    agent_version         LowCardinality(String),
    task_id               String                            CODEC(ZSTD(1)),
    task_type             LowCardinality(String),
    task_domain           LowCardinality(String),
    queued_at             Nullable(DateTime64(9, 'UTC')),
    task_estimated_cost_usd Nullable(Decimal(18, 12)),
    -- handoff
    handoff_source        LowCardinality(String),
    handoff_target        LowCardinality(String),
    handoff_mode          LowCardinality(String),  -- return_to_caller pass_control
    handoff_target_type   LowCardinality(String),  -- agent human workflow
    handoff_reason        String                            CODEC(ZSTD(1)),
    handoff_artifacts     Array(String),
    handoff_payload_bytes Nullable(UInt64),
    handoff_outcome       LowCardinality(String),  -- accepted refused lost, '' not said
    -- tool
    tool                  LowCardinality(String),
    -- llm
    provider              LowCardinality(String),
    model                 LowCardinality(String),  -- that answered, else that was asked
    input_tokens          Nullable(UInt64),        -- cached ones included
    output_tokens         Nullable(UInt64),        -- reasoning ones included
    cache_read_tokens     Nullable(UInt64),
    cache_write_tokens    Nullable(UInt64),
    reasoning_tokens      Nullable(UInt64),
    time_to_first_token_s Nullable(Float64),
    cost_usd              Nullable(Decimal(18, 12)),  -- as reported on the span, never computed here
    cost_source           LowCardinality(String),
    usage_partial         Bool,
    -- validation
    validation            LowCardinality(String),
    validator             LowCardinality(String),
    validation_role       LowCardinality(String),  -- critic test guard human
    validation_result     LowCardinality(String),  -- pass fail reject
    validation_score      Nullable(Float64),
    -- fault, recovery
    fault_id              String                            CODEC(ZSTD(1)),
    fault_type            LowCardinality(String),
    fault_target          LowCardinality(String),
    fault_injected        Nullable(Bool),
    fault_severity        Nullable(Float64),
    fault_deadline_s      Nullable(Float64),
    recovery_strategy     LowCardinality(String),
    recovery_fault_id     String                            CODEC(ZSTD(1)),
    recovery_attempt      UInt32                            CODEC(T64, ZSTD(1)),
    recovery_success      Nullable(Bool),
    resilience_score      Nullable(Float64),       -- of a run, as its span says
    -- human
    human_reason          LowCardinality(String),
    human_priority        LowCardinality(String),  -- low medium high critical
    human_decision        LowCardinality(String),  -- approved denied answered timed_out
    -- rating
    rating_quality        Nullable(UInt64),
    rating_success        Nullable(Bool),
    rating_source         LowCardinality(String),
    rating_notes          String                            CODEC(ZSTD(1)),
    rating_would_use_again Nullable(Bool),
    rating_alternative_agent LowCardinality(String),
    rates_trace_id        String                            CODEC(ZSTD(1)),  -- of the first link with handspan.link = rates
    rates_span_id         String                            CODEC(ZSTD(1)),
    -- budget, metric
    budget                LowCardinality(String),
    budget_scope          LowCardinality(String),
    budget_limit_usd      Nullable(Decimal(18, 12)),
    budget_used_usd       Nullable(Decimal(18, 12)),
    budget_state          LowCardinality(String),  -- ok warning exceeded
    metric                LowCardinality(String),
    metric_value          Nullable(Float64),
    received_at           DateTime64(9, 'UTC')              CODEC(Delta, ZSTD(1)),
    INDEX idx_workflow_id workflow_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(received_at)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
