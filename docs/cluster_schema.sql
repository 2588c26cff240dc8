-- The tables of a cluster named `main` (--store 'clickhouse://host/handspan?cluster=main').
-- Made from exporter/handspan_exporter/sql/schema/ by `make generate`; `serve` runs it by itself.

-- Which schema files this store has. Created before all others, outside the numbering.
CREATE TABLE IF NOT EXISTS schema_migrations ON CLUSTER `main`
(
    name       String,
    applied_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}')
ORDER BY name;

-- Every span as it came, one row each: the table of the OpenTelemetry Collector's clickhouseexporter
-- (same columns, types, order and indexes), so that Grafana and other readers find what they know.
-- Written by writer/. Retention: retention/otel_traces.sql.
CREATE TABLE IF NOT EXISTS otel_traces_local ON CLUSTER `main`
(
    Timestamp          DateTime64(9)                        CODEC(Delta, ZSTD(1)),
    TraceId            String                               CODEC(ZSTD(1)),
    SpanId             String                               CODEC(ZSTD(1)),
    ParentSpanId       String                               CODEC(ZSTD(1)),
    TraceState         String                               CODEC(ZSTD(1)),
    SpanName           LowCardinality(String)               CODEC(ZSTD(1)),
    SpanKind           LowCardinality(String)               CODEC(ZSTD(1)),
    ServiceName        LowCardinality(String)               CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String)  CODEC(ZSTD(1)),
    ScopeName          String                               CODEC(ZSTD(1)),
    ScopeVersion       String                               CODEC(ZSTD(1)),
    SpanAttributes     Map(LowCardinality(String), String)  CODEC(ZSTD(1)),
    Duration           UInt64                               CODEC(ZSTD(1)),
    StatusCode         LowCardinality(String)               CODEC(ZSTD(1)),
    StatusMessage      String                               CODEC(ZSTD(1)),
    Events Nested
    (
        Timestamp  DateTime64(9),
        Name       LowCardinality(String),
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),
    Links Nested
    (
        TraceId    String,
        SpanId     String,
        TraceState String,
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_value mapValues(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of otel_traces_local.
CREATE TABLE IF NOT EXISTS otel_traces ON CLUSTER `main` AS otel_traces_local
ENGINE = Distributed('main', currentDatabase(), otel_traces_local, cityHash64(TraceId));

-- From when to when a trace has spans. Grafana's ClickHouse plugin reads it before it opens a trace;
-- a trace without a row here is shown as empty. Filled by 0003_otel_traces_trace_id_ts_mv.
CREATE TABLE IF NOT EXISTS otel_traces_trace_id_ts_local ON CLUSTER `main`
(
    TraceId String                                  CODEC(ZSTD(1)),
    Start   SimpleAggregateFunction(min, DateTime)  CODEC(ZSTD(1)),
    End     SimpleAggregateFunction(max, DateTime)  CODEC(ZSTD(1))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toStartOfWeek(Start)
ORDER BY TraceId
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of otel_traces_trace_id_ts_local.
CREATE TABLE IF NOT EXISTS otel_traces_trace_id_ts ON CLUSTER `main` AS otel_traces_trace_id_ts_local
ENGINE = Distributed('main', currentDatabase(), otel_traces_trace_id_ts_local, cityHash64(TraceId));

-- Fills otel_traces_trace_id_ts in the same insert as otel_traces.
CREATE MATERIALIZED VIEW IF NOT EXISTS otel_traces_trace_id_ts_mv ON CLUSTER `main` TO otel_traces_trace_id_ts_local AS
SELECT
    TraceId,
    min(Timestamp) AS Start,
    max(Timestamp) AS End
FROM otel_traces_local
WHERE TraceId != ''
GROUP BY TraceId;

-- One typed row per span that is agent work, whatever convention named it (columns/mapping.py), and one per span event
-- that is (mapping.EVENT_KINDS): its span_id is that of its span, a dot, and its number there; its parent is that span.
-- A client may deliver a span twice: (trace_id, span_id) identifies it, the newest row replaces.
-- Written by writer/ in the same step as otel_traces, and by `handspan rebuild`.
CREATE TABLE IF NOT EXISTS agent_spans_local ON CLUSTER `main`
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
ENGINE = ReplicatedReplacingMergeTree(received_at)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of agent_spans_local.
CREATE TABLE IF NOT EXISTS agent_spans ON CLUSTER `main` AS agent_spans_local
ENGINE = Distributed('main', currentDatabase(), agent_spans_local, cityHash64(trace_id));

-- Which traces got agent spans, and when: what the processor follows. One row per trace and flush.
-- Written by writer/ after agent_spans, so that whoever reads a row here finds its spans there.
CREATE TABLE IF NOT EXISTS trace_arrivals ON CLUSTER `main`
(
    arrived_at DateTime64(9, 'UTC')  CODEC(Delta, ZSTD(1)),
    trace_id   String                CODEC(ZSTD(1)),
    spans      UInt32                CODEC(T64, ZSTD(1)),
    has_root   Bool  -- a span without a parent, or a workflow span, came: the run may have ended
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}')
ORDER BY arrived_at
SETTINGS non_replicated_deduplication_window = 1000;

-- The run ids that a trace names: of the runs it is part of, of its spans' workflow ids, and of traces that it resumes.
-- What names the same id is recomputed together. Which traces a run has: runs.trace_ids. Written by processor/.
CREATE TABLE IF NOT EXISTS run_traces_local ON CLUSTER `main`
(
    run_id     String  CODEC(ZSTD(1)),
    trace_id   String  CODEC(ZSTD(1)),
    revision   UInt64  CODEC(Delta, ZSTD(1)),
    is_deleted UInt8,
    INDEX idx_trace_id trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
ORDER BY (run_id, trace_id)
SETTINGS index_granularity = 512, non_replicated_deduplication_window = 1000;

-- All shards of run_traces_local.
CREATE TABLE IF NOT EXISTS run_traces ON CLUSTER `main` AS run_traces_local
ENGINE = Distributed('main', currentDatabase(), run_traces_local, cityHash64(run_id));

-- One row per run (kpis.md "Run"). Replaced whole by the processor whenever one of its spans arrives.
-- No partition: the key of a partition must never change for a row, and a late span moves a start.
CREATE TABLE IF NOT EXISTS runs_local ON CLUSTER `main`
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
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
ORDER BY run_id
SETTINGS index_granularity = 512, non_replicated_deduplication_window = 1000;

-- All shards of runs_local.
CREATE TABLE IF NOT EXISTS runs ON CLUSTER `main` AS runs_local
ENGINE = Distributed('main', currentDatabase(), runs_local, cityHash64(run_id));

-- One row per agent span (kpis.md "Agent run"). A row's key and partition never change: both are the span's own.
CREATE TABLE IF NOT EXISTS agent_runs_local ON CLUSTER `main`
(
    trace_id           String                            CODEC(ZSTD(1)),
    span_id            String                            CODEC(ZSTD(1)),
    run_id             String                            CODEC(ZSTD(1)),  -- top run, '' when in none
    parent_agent_run   String                            CODEC(ZSTD(1)),  -- span id of the nearest agent above, or ''
    service            LowCardinality(String),
    project            LowCardinality(String),
    workflow           LowCardinality(String),
    agent              LowCardinality(String),
    feature            LowCardinality(String),
    session_id         String                            CODEC(ZSTD(1)),
    conversation_id    String                            CODEC(ZSTD(1)),
    user_id            String                            CODEC(ZSTD(1)),
    agent_type         LowCardinality(String),
    agent_version      LowCardinality(String),
    task_id            String                            CODEC(ZSTD(1)),
    task_type          LowCardinality(String),
    task_domain        LowCardinality(String),
    attempt            UInt32                            CODEC(T64, ZSTD(1)),
    outcome            LowCardinality(String),           -- success failure
    error_type         LowCardinality(String),
    started_at         DateTime64(9, 'UTC')              CODEC(Delta, ZSTD(1)),
    ended_at           DateTime64(9, 'UTC')              CODEC(Delta, ZSTD(1)),
    duration_ns        UInt64                            CODEC(T64, ZSTD(1)),
    agent_time_ns      UInt64                            CODEC(T64, ZSTD(1)),  -- own span minus human waits and child agent runs
    coordination_ns    UInt64                            CODEC(T64, ZSTD(1)),  -- part of agent_time_ns (kpis.md "Coordination")
    llm_calls          UInt32                            CODEC(T64, ZSTD(1)),  -- whose nearest agent run is this one
    tool_calls         UInt32                            CODEC(T64, ZSTD(1)),
    input_tokens       Nullable(UInt64),
    output_tokens      Nullable(UInt64),
    cost_usd           Nullable(Decimal(18, 12)),
    priced_calls       UInt32                            CODEC(T64, ZSTD(1)),
    unpriced_calls     UInt32                            CODEC(T64, ZSTD(1)),
    revision           UInt64                            CODEC(Delta, ZSTD(1)),
    is_deleted         UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of agent_runs_local.
CREATE TABLE IF NOT EXISTS agent_runs ON CLUSTER `main` AS agent_runs_local
ENGINE = Distributed('main', currentDatabase(), agent_runs_local, cityHash64(trace_id));

-- One row per call of a model: the leaves among spans that report usage, so that no token is counted twice.
-- container = true: an agent or workflow span whose own usage or cost stands for calls nobody recorded.
CREATE TABLE IF NOT EXISTS llm_calls_local ON CLUSTER `main`
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
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of llm_calls_local.
CREATE TABLE IF NOT EXISTS llm_calls ON CLUSTER `main` AS llm_calls_local
ENGINE = Distributed('main', currentDatabase(), llm_calls_local, cityHash64(trace_id));

-- One row per tool span.
CREATE TABLE IF NOT EXISTS tool_calls_local ON CLUSTER `main`
(
    trace_id        String                            CODEC(ZSTD(1)),
    span_id         String                            CODEC(ZSTD(1)),
    run_id          String                            CODEC(ZSTD(1)),
    agent_run       String                            CODEC(ZSTD(1)),
    service         LowCardinality(String),
    project         LowCardinality(String),
    workflow        LowCardinality(String),
    agent           LowCardinality(String),
    feature         LowCardinality(String),
    session_id      String                            CODEC(ZSTD(1)),
    conversation_id String                            CODEC(ZSTD(1)),
    user_id         String                            CODEC(ZSTD(1)),
    tool            LowCardinality(String),
    delegation      Bool,                             -- an agent runs below it: coordination, not work
    outcome         LowCardinality(String),           -- success failure
    error_type      LowCardinality(String),
    started_at      DateTime64(9, 'UTC')              CODEC(Delta, ZSTD(1)),
    ended_at        DateTime64(9, 'UTC')              CODEC(Delta, ZSTD(1)),
    duration_ns     UInt64                            CODEC(T64, ZSTD(1)),
    revision        UInt64                            CODEC(Delta, ZSTD(1)),
    is_deleted      UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of tool_calls_local.
CREATE TABLE IF NOT EXISTS tool_calls ON CLUSTER `main` AS tool_calls_local
ENGINE = Distributed('main', currentDatabase(), tool_calls_local, cityHash64(trace_id));

-- One row per handoff span, matched with the agent run that it started (kpis.md "handoff_loss_ratio").
CREATE TABLE IF NOT EXISTS handoffs_local ON CLUSTER `main`
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
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of handoffs_local.
CREATE TABLE IF NOT EXISTS handoffs ON CLUSTER `main` AS handoffs_local
ENGINE = Distributed('main', currentDatabase(), handoffs_local, cityHash64(trace_id));

-- What a model cost, as genai-prices says; asked once per (provider, model, day) as they stand on spans.
-- A day has one row from 00:00 UTC, and one more from each second at which a price by the time of day changes.
-- A price is a list of (above_tokens, usd_per_mtok), ascending: the first is the base, and the last one whose
-- above_tokens the request's whole input exceeds counts for the whole request. Empty: such tokens have no price
-- of their own; cached ones then cost what input costs, reasoning ones what output costs.
CREATE TABLE IF NOT EXISTS model_prices ON CLUSTER `main`
(
    provider         LowCardinality(String),
    model            LowCardinality(String),
    day              Date,
    from_s           UInt32,                  -- second of the day, UTC
    source           LowCardinality(String),  -- genai-prices custom
    price_version    LowCardinality(String),
    matched_provider LowCardinality(String),
    matched_model    LowCardinality(String),
    input            Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))),
    cache_read       Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))),
    cache_write      Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))),
    output           Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))),
    reasoning        Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))),
    usd_per_krequest Decimal(38, 18),
    unknown_reason   LowCardinality(String),  -- '' when there is a price
    asked_at         DateTime64(9, 'UTC')
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', asked_at)
ORDER BY (provider, model, day, from_s)
SETTINGS non_replicated_deduplication_window = 1000;

-- A KPI's history is the KPI itself: each closed hour and day, answered by the KPI's own file over that bucket.
-- One row per measure (a numeric column of the file's answer). Readers take the newest version of a bucket.
CREATE TABLE IF NOT EXISTS kpi_history ON CLUSTER `main`
(
    kpi       LowCardinality(String),
    grain     LowCardinality(String),              -- hour day
    bucket    DateTime('UTC')                      CODEC(Delta, ZSTD(1)),
    grouping  LowCardinality(String),              -- '' or the dimension, as in the file's header
    "group"   String                               CODEC(ZSTD(1)),
    measure   LowCardinality(String),
    value     Nullable(Float64)                    CODEC(ZSTD(1)),
    n         Nullable(UInt64),
    low       Nullable(Float64),                   -- 95 % interval of the headline measure
    high      Nullable(Float64),
    reason    LowCardinality(String),              -- why value is NULL
    version   UInt64                               CODEC(Delta, ZSTD(1)),
    is_deleted UInt8
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', version, is_deleted)
PARTITION BY (grain, toYYYYMM(bucket))
ORDER BY (kpi, grain, grouping, "group", measure, bucket)
SETTINGS non_replicated_deduplication_window = 1000;

-- How far the processor has come: every arrival before this moment is in the facts ('facts'), or was looked back at
-- ('looked').
CREATE TABLE IF NOT EXISTS processor_state ON CLUSTER `main`
(
    name     LowCardinality(String),
    moment   DateTime64(9, 'UTC'),
    revision UInt64
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', revision)
ORDER BY name
SETTINGS non_replicated_deduplication_window = 1000;

-- The closed or open hours and days in which a fact changed since their KPI history was written. Written by processor/
-- before the facts themselves, so that a kill in between costs one needless answer and never a stale bucket.
CREATE TABLE IF NOT EXISTS history_due ON CLUSTER `main`
(
    bucket     DateTime('UTC')  CODEC(Delta, ZSTD(1)),
    grain      LowCardinality(String),  -- hour day
    revision   UInt64           CODEC(Delta, ZSTD(1)),
    is_deleted UInt8
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', revision, is_deleted)
ORDER BY (grain, bucket)
SETTINGS non_replicated_deduplication_window = 1000;

-- Every log record as it came, one row each: the table of the OpenTelemetry Collector's clickhouseexporter
-- (same columns, types and order), so that Grafana and other readers find what they know. Its companion tables
-- are for spans only. Written by writer/. Retention: retention/otel_logs.sql.
CREATE TABLE IF NOT EXISTS otel_logs_local ON CLUSTER `main`
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
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (toStartOfFiveMinutes(Timestamp), ServiceName, Timestamp)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of otel_logs_local.
CREATE TABLE IF NOT EXISTS otel_logs ON CLUSTER `main` AS otel_logs_local
ENGINE = Distributed('main', currentDatabase(), otel_logs_local, cityHash64(if(TraceId = '', toString(Timestamp), TraceId)));

-- One row per fault: those that were recorded (fault spans and events), and real ones that nobody recorded: a call of a
-- model or of a tool that failed, unless a recorded fault lies around or in it (its error is that fault's effect), and
-- unless the tool is a delegation. Recovered (kpis.md "fault_recovery_ratio") = a successful recovery that names the
-- fault, or names none and follows it (the newest fault of the run so far); else a later success of the same target by
-- the same agent; else the run succeeded.
CREATE TABLE IF NOT EXISTS faults_local ON CLUSTER `main`
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
    fault_id           String                         CODEC(ZSTD(1)),
    fault_type         LowCardinality(String),  -- of a real one its error type
    target             LowCardinality(String),  -- tool, model or agent
    injected           Bool,
    severity           Float64,  -- weight in the resilience score
    deadline_s         Nullable(Float64),
    outcome            LowCardinality(String),  -- recovered unrecovered, open while the run is
    recovered_by       LowCardinality(String),  -- recovery success run
    strategy           LowCardinality(String),
    recovery_attempts  UInt32                         CODEC(T64, ZSTD(1)),  -- recovery spans that belong to it
    recovery_ns        Nullable(UInt64),  -- from the fault (of a real one: from its end) to the end of what overcame it; NULL unless recovered
    within_deadline    Nullable(Bool),  -- NULL while open
    started_at         DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    ended_at           DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    duration_ns        UInt64                         CODEC(T64, ZSTD(1)),
    revision           UInt64                         CODEC(Delta, ZSTD(1)),
    is_deleted         UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of faults_local.
CREATE TABLE IF NOT EXISTS faults ON CLUSTER `main` AS faults_local
ENGINE = Distributed('main', currentDatabase(), faults_local, cityHash64(trace_id));

-- One row per wait for a person that has ended.
CREATE TABLE IF NOT EXISTS human_waits_local ON CLUSTER `main`
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
    reason             LowCardinality(String),
    priority           LowCardinality(String),  -- low medium high critical, '' not said
    decision           LowCardinality(String),  -- approved denied answered timed_out, '' not said
    started_at         DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    ended_at           DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    duration_ns        UInt64                         CODEC(T64, ZSTD(1)),
    revision           UInt64                         CODEC(Delta, ZSTD(1)),
    is_deleted         UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of human_waits_local.
CREATE TABLE IF NOT EXISTS human_waits ON CLUSTER `main` AS human_waits_local
ENGINE = Distributed('main', currentDatabase(), human_waits_local, cityHash64(trace_id));

-- One row per check of what goes into or comes out of an agent.
CREATE TABLE IF NOT EXISTS validations_local ON CLUSTER `main`
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
    validation         LowCardinality(String),  -- what is checked
    validator          LowCardinality(String),
    role               LowCardinality(String),  -- critic test guard human
    result             LowCardinality(String),  -- pass fail reject, '' not said
    score              Nullable(Float64),
    started_at         DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    ended_at           DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    duration_ns        UInt64                         CODEC(T64, ZSTD(1)),
    revision           UInt64                         CODEC(Delta, ZSTD(1)),
    is_deleted         UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of validations_local.
CREATE TABLE IF NOT EXISTS validations ON CLUSTER `main` AS validations_local
ENGINE = Distributed('main', currentDatabase(), validations_local, cityHash64(trace_id));

-- One row per rating; run and dimensions are those of what is rated: the span that a link names, else where the
-- rating was given.
CREATE TABLE IF NOT EXISTS ratings_local ON CLUSTER `main`
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
    task_type          LowCardinality(String),
    quality            Nullable(UInt8),  -- 1..5
    success            Nullable(Bool),
    source             LowCardinality(String),
    notes              String                         CODEC(ZSTD(1)),
    would_use_again    Nullable(Bool),
    alternative_agent  LowCardinality(String),
    started_at         DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    ended_at           DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    duration_ns        UInt64                         CODEC(T64, ZSTD(1)),
    revision           UInt64                         CODEC(Delta, ZSTD(1)),
    is_deleted         UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of ratings_local.
CREATE TABLE IF NOT EXISTS ratings ON CLUSTER `main` AS ratings_local
ENGINE = Distributed('main', currentDatabase(), ratings_local, cityHash64(trace_id));

-- One row each time a budget says its state: when it changes, and when its block ends.
CREATE TABLE IF NOT EXISTS budget_events_local ON CLUSTER `main`
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
    budget             LowCardinality(String),  -- its name, else its scope
    scope              LowCardinality(String),
    pot                String                         CODEC(ZSTD(1)),  -- which budget of that name: of scope workflow or agent each run has its own
    limit_usd          Nullable(Decimal(18, 12)),
    used_usd           Nullable(Decimal(18, 12)),
    state              LowCardinality(String),  -- ok warning exceeded
    started_at         DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    ended_at           DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    duration_ns        UInt64                         CODEC(T64, ZSTD(1)),
    revision           UInt64                         CODEC(Delta, ZSTD(1)),
    is_deleted         UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of budget_events_local.
CREATE TABLE IF NOT EXISTS budget_events ON CLUSTER `main` AS budget_events_local
ENGINE = Distributed('main', currentDatabase(), budget_events_local, cityHash64(trace_id));

-- One row per number that a user recorded on a run.
CREATE TABLE IF NOT EXISTS run_metrics_local ON CLUSTER `main`
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
    metric             LowCardinality(String),
    value              Float64,
    started_at         DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    ended_at           DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    duration_ns        UInt64                         CODEC(T64, ZSTD(1)),
    revision           UInt64                         CODEC(Delta, ZSTD(1)),
    is_deleted         UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of run_metrics_local.
CREATE TABLE IF NOT EXISTS run_metrics ON CLUSTER `main` AS run_metrics_local
ENGINE = Distributed('main', currentDatabase(), run_metrics_local, cityHash64(trace_id));

-- One row per attempt at a task: task spans.
CREATE TABLE IF NOT EXISTS tasks_local ON CLUSTER `main`
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
    task_id            String                         CODEC(ZSTD(1)),  -- the same for every attempt, '' not said
    task_type          LowCardinality(String),
    task_domain        LowCardinality(String),
    attempt            UInt32                         CODEC(T64, ZSTD(1)),  -- 0: not said
    outcome            LowCardinality(String),  -- success failure
    error_type         LowCardinality(String),
    estimated_cost_usd Nullable(Decimal(18, 12)),
    started_at         DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    ended_at           DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    duration_ns        UInt64                         CODEC(T64, ZSTD(1)),
    revision           UInt64                         CODEC(Delta, ZSTD(1)),
    is_deleted         UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of tasks_local.
CREATE TABLE IF NOT EXISTS tasks ON CLUSTER `main` AS tasks_local
ENGINE = Distributed('main', currentDatabase(), tasks_local, cityHash64(trace_id));

-- One row per span on the critical path of its run (processor/critical.py): the time for which the run's end waited
-- for this span and nothing below it. The rows of a run sum to its length.
CREATE TABLE IF NOT EXISTS critical_paths_local ON CLUSTER `main`
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
    part               LowCardinality(String),  -- agent tool handoff human workflow
    name               LowCardinality(String),  -- the agent's, the tool's, 'a > b', the reason, the workflow's
    critical_ns        UInt64                         CODEC(T64, ZSTD(1)),
    started_at         DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    ended_at           DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    duration_ns        UInt64                         CODEC(T64, ZSTD(1)),
    revision           UInt64                         CODEC(Delta, ZSTD(1)),
    is_deleted         UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of critical_paths_local.
CREATE TABLE IF NOT EXISTS critical_paths ON CLUSTER `main` AS critical_paths_local
ENGINE = Distributed('main', currentDatabase(), critical_paths_local, cityHash64(trace_id));

-- Spans that were announced by a log record `handspan.started` because they stayed open: columns of agent_spans, with a
-- duration of 0. A row says only that a span has begun; once its end is in agent_spans it counts no more.
-- Written by writer/ in the same step as otel_logs.
CREATE TABLE IF NOT EXISTS open_spans_local ON CLUSTER `main` AS agent_spans
ENGINE = ReplicatedReplacingMergeTree(received_at)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of open_spans_local.
CREATE TABLE IF NOT EXISTS open_spans ON CLUSTER `main` AS open_spans_local
ENGINE = Distributed('main', currentDatabase(), open_spans_local, cityHash64(trace_id));

-- Which process has the span open (service.instance.id): when that is silent for long, the span is lost.
ALTER TABLE open_spans_local ON CLUSTER `main` ADD COLUMN IF NOT EXISTS instance String CODEC(ZSTD(1)) AFTER received_at;

-- Which process has the span open (service.instance.id): when that is silent for long, the span is lost.
ALTER TABLE open_spans ON CLUSTER `main` ADD COLUMN IF NOT EXISTS instance String CODEC(ZSTD(1)) AFTER received_at;

-- When a process that sends was last heard of, exact to some minutes (writer/instances.py). instance is '' where a
-- program does not say service.instance.id: then all of that service are one.
CREATE TABLE IF NOT EXISTS service_instances ON CLUSTER `main`
(
    service  LowCardinality(String),
    instance String                CODEC(ZSTD(1)),
    seen_at  DateTime64(9, 'UTC')  CODEC(Delta, ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', seen_at)
ORDER BY (service, instance)
SETTINGS index_granularity = 512, non_replicated_deduplication_window = 1000;

-- Several services may share a server, and none knows what the others have in flight: there the server itself stamps
-- arrivals while it stores them (facts/stored_until.sql), and writer/ leaves the column out.
ALTER TABLE trace_arrivals ON CLUSTER `main` MODIFY COLUMN arrived_at DateTime64(9, 'UTC') DEFAULT now64(9, 'UTC') CODEC(Delta, ZSTD(1));

-- Who of several services on one server does what only one may do. The newest revision counts; it is made by an insert
-- whose token is its number, so that of two claims to the same number ClickHouse drops one. Written by store/lease.py.
CREATE TABLE IF NOT EXISTS leases ON CLUSTER `main`
(
    name       LowCardinality(String),
    revision   UInt64,
    holder     String,  -- '' when given back
    fence      UInt64,  -- what the holder writes carries this revision at least, and no earlier holder's reaches it
    renewed_at DateTime64(9, 'UTC') DEFAULT now64(9, 'UTC')
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', revision)
ORDER BY name
SETTINGS non_replicated_deduplication_window = 1000;

-- The parts of a table of another writer (setting attach) whose rows are in agent_spans. Written by writer/attached.py.
CREATE TABLE IF NOT EXISTS attached_parts ON CLUSTER `main`
(
    source       String,  -- database, name and UUID of the table
    part         String,
    partition_id String,
    first        Int64,   -- number of the first insert in it
    last         Int64,
    rows         UInt64,
    revision     UInt64,
    is_deleted   UInt8    -- 1: merged into another, or dropped
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', revision, is_deleted)
ORDER BY (source, part)
SETTINGS non_replicated_deduplication_window = 1000;

-- What span events say: steps of a session, decisions, messages between agents.
ALTER TABLE agent_spans_local ON CLUSTER `main` ADD COLUMN IF NOT EXISTS session_impact Nullable(Float64) AFTER metric_value,
    ADD COLUMN IF NOT EXISTS session_cpu_ratio Nullable(Float64) AFTER session_impact,
    ADD COLUMN IF NOT EXISTS session_memory_bytes Nullable(UInt64) AFTER session_cpu_ratio,
    ADD COLUMN IF NOT EXISTS decision LowCardinality(String) AFTER session_memory_bytes,
    ADD COLUMN IF NOT EXISTS decision_choice String CODEC(ZSTD(1)) AFTER decision,
    ADD COLUMN IF NOT EXISTS decision_alternatives Array(String) AFTER decision_choice,
    ADD COLUMN IF NOT EXISTS decision_confidence Nullable(Float64) AFTER decision_alternatives,
    ADD COLUMN IF NOT EXISTS decision_reason String CODEC(ZSTD(1)) AFTER decision_confidence,
    ADD COLUMN IF NOT EXISTS message_source LowCardinality(String) AFTER decision_reason,
    ADD COLUMN IF NOT EXISTS message_target LowCardinality(String) AFTER message_source,
    ADD COLUMN IF NOT EXISTS message_type LowCardinality(String) AFTER message_target,
    ADD COLUMN IF NOT EXISTS message_payload_bytes Nullable(UInt64) AFTER message_type;

-- What span events say: steps of a session, decisions, messages between agents.
ALTER TABLE agent_spans ON CLUSTER `main` ADD COLUMN IF NOT EXISTS session_impact Nullable(Float64) AFTER metric_value,
    ADD COLUMN IF NOT EXISTS session_cpu_ratio Nullable(Float64) AFTER session_impact,
    ADD COLUMN IF NOT EXISTS session_memory_bytes Nullable(UInt64) AFTER session_cpu_ratio,
    ADD COLUMN IF NOT EXISTS decision LowCardinality(String) AFTER session_memory_bytes,
    ADD COLUMN IF NOT EXISTS decision_choice String CODEC(ZSTD(1)) AFTER decision,
    ADD COLUMN IF NOT EXISTS decision_alternatives Array(String) AFTER decision_choice,
    ADD COLUMN IF NOT EXISTS decision_confidence Nullable(Float64) AFTER decision_alternatives,
    ADD COLUMN IF NOT EXISTS decision_reason String CODEC(ZSTD(1)) AFTER decision_confidence,
    ADD COLUMN IF NOT EXISTS message_source LowCardinality(String) AFTER decision_reason,
    ADD COLUMN IF NOT EXISTS message_target LowCardinality(String) AFTER message_source,
    ADD COLUMN IF NOT EXISTS message_type LowCardinality(String) AFTER message_target,
    ADD COLUMN IF NOT EXISTS message_payload_bytes Nullable(UInt64) AFTER message_type;

-- The same columns, in the same order, as agent_spans.
ALTER TABLE open_spans_local ON CLUSTER `main` ADD COLUMN IF NOT EXISTS session_impact Nullable(Float64) AFTER metric_value,
    ADD COLUMN IF NOT EXISTS session_cpu_ratio Nullable(Float64) AFTER session_impact,
    ADD COLUMN IF NOT EXISTS session_memory_bytes Nullable(UInt64) AFTER session_cpu_ratio,
    ADD COLUMN IF NOT EXISTS decision LowCardinality(String) AFTER session_memory_bytes,
    ADD COLUMN IF NOT EXISTS decision_choice String CODEC(ZSTD(1)) AFTER decision,
    ADD COLUMN IF NOT EXISTS decision_alternatives Array(String) AFTER decision_choice,
    ADD COLUMN IF NOT EXISTS decision_confidence Nullable(Float64) AFTER decision_alternatives,
    ADD COLUMN IF NOT EXISTS decision_reason String CODEC(ZSTD(1)) AFTER decision_confidence,
    ADD COLUMN IF NOT EXISTS message_source LowCardinality(String) AFTER decision_reason,
    ADD COLUMN IF NOT EXISTS message_target LowCardinality(String) AFTER message_source,
    ADD COLUMN IF NOT EXISTS message_type LowCardinality(String) AFTER message_target,
    ADD COLUMN IF NOT EXISTS message_payload_bytes Nullable(UInt64) AFTER message_type;

-- The same columns, in the same order, as agent_spans.
ALTER TABLE open_spans ON CLUSTER `main` ADD COLUMN IF NOT EXISTS session_impact Nullable(Float64) AFTER metric_value,
    ADD COLUMN IF NOT EXISTS session_cpu_ratio Nullable(Float64) AFTER session_impact,
    ADD COLUMN IF NOT EXISTS session_memory_bytes Nullable(UInt64) AFTER session_cpu_ratio,
    ADD COLUMN IF NOT EXISTS decision LowCardinality(String) AFTER session_memory_bytes,
    ADD COLUMN IF NOT EXISTS decision_choice String CODEC(ZSTD(1)) AFTER decision,
    ADD COLUMN IF NOT EXISTS decision_alternatives Array(String) AFTER decision_choice,
    ADD COLUMN IF NOT EXISTS decision_confidence Nullable(Float64) AFTER decision_alternatives,
    ADD COLUMN IF NOT EXISTS decision_reason String CODEC(ZSTD(1)) AFTER decision_confidence,
    ADD COLUMN IF NOT EXISTS message_source LowCardinality(String) AFTER decision_reason,
    ADD COLUMN IF NOT EXISTS message_target LowCardinality(String) AFTER message_source,
    ADD COLUMN IF NOT EXISTS message_type LowCardinality(String) AFTER message_target,
    ADD COLUMN IF NOT EXISTS message_payload_bytes Nullable(UInt64) AFTER message_type;

-- One row per decision that an agent recorded; handoffs, checks and people's answers have tables of their own.
CREATE TABLE IF NOT EXISTS decisions_local ON CLUSTER `main`
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
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of decisions_local.
CREATE TABLE IF NOT EXISTS decisions ON CLUSTER `main` AS decisions_local
ENGINE = Distributed('main', currentDatabase(), decisions_local, cityHash64(trace_id));

-- One row per message between agents; one by which control goes over is in handoffs.
CREATE TABLE IF NOT EXISTS messages_local ON CLUSTER `main`
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
    source             LowCardinality(String),
    target             LowCardinality(String),  -- '' all
    message_type       LowCardinality(String),
    payload_bytes      Nullable(UInt64),
    started_at         DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    ended_at           DateTime64(9, 'UTC')           CODEC(Delta, ZSTD(1)),
    duration_ns        UInt64                         CODEC(T64, ZSTD(1)),
    revision           UInt64                         CODEC(Delta, ZSTD(1)),
    is_deleted         UInt8,
    INDEX idx_ended_at ended_at TYPE minmax GRANULARITY 1,
    INDEX idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplicatedReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- All shards of messages_local.
CREATE TABLE IF NOT EXISTS messages ON CLUSTER `main` AS messages_local
ENGINE = Distributed('main', currentDatabase(), messages_local, cityHash64(trace_id));

-- What an agent's performance can be grouped by, of what was rated.
ALTER TABLE ratings_local ON CLUSTER `main` ADD COLUMN IF NOT EXISTS task_domain LowCardinality(String) AFTER task_type,
    ADD COLUMN IF NOT EXISTS agent_version LowCardinality(String) AFTER task_domain;

-- What an agent's performance can be grouped by, of what was rated.
ALTER TABLE ratings ON CLUSTER `main` ADD COLUMN IF NOT EXISTS task_domain LowCardinality(String) AFTER task_type,
    ADD COLUMN IF NOT EXISTS agent_version LowCardinality(String) AFTER task_domain;

-- A wait that has begun and not ended has a row, too; it says when it began in place of when it ended.
ALTER TABLE human_waits_local ON CLUSTER `main` ADD COLUMN IF NOT EXISTS state LowCardinality(String) DEFAULT 'ended' AFTER decision  -- ended waiting lost;

-- A wait that has begun and not ended has a row, too; it says when it began in place of when it ended.
ALTER TABLE human_waits ON CLUSTER `main` ADD COLUMN IF NOT EXISTS state LowCardinality(String) DEFAULT 'ended' AFTER decision  -- ended waiting lost;

-- Traces that were idle and lacked a span between their agent spans: another's (HTTP, database) may still come, hours
-- late, and has no row in agent_spans to be noticed by (facts/filled.sql). Written by processor/; a row may be out of
-- date, which costs one look too many.
CREATE TABLE IF NOT EXISTS trace_gaps_local ON CLUSTER `main`
(
    trace_id String                CODEC(ZSTD(1)),
    noted_at DateTime64(9, 'UTC')  CODEC(Delta, ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree(noted_at)
ORDER BY trace_id
SETTINGS index_granularity = 512, non_replicated_deduplication_window = 1000;

-- All shards of trace_gaps_local.
CREATE TABLE IF NOT EXISTS trace_gaps ON CLUSTER `main` AS trace_gaps_local
ENGINE = Distributed('main', currentDatabase(), trace_gaps_local, cityHash64(trace_id));

-- Tokens that are sound or pictures, parts of the others: input_audio input_image output_audio output_image
-- cache_read_audio cache_read_image.
ALTER TABLE agent_spans_local ON CLUSTER `main` ADD COLUMN IF NOT EXISTS modality_tokens Map(LowCardinality(String), UInt64) CODEC(ZSTD(1)) AFTER message_payload_bytes;

-- Tokens that are sound or pictures, parts of the others: input_audio input_image output_audio output_image
-- cache_read_audio cache_read_image.
ALTER TABLE agent_spans ON CLUSTER `main` ADD COLUMN IF NOT EXISTS modality_tokens Map(LowCardinality(String), UInt64) CODEC(ZSTD(1)) AFTER message_payload_bytes;

-- The same columns, in the same order, as agent_spans.
ALTER TABLE open_spans_local ON CLUSTER `main` ADD COLUMN IF NOT EXISTS modality_tokens Map(LowCardinality(String), UInt64) CODEC(ZSTD(1)) AFTER message_payload_bytes;

-- The same columns, in the same order, as agent_spans.
ALTER TABLE open_spans ON CLUSTER `main` ADD COLUMN IF NOT EXISTS modality_tokens Map(LowCardinality(String), UInt64) CODEC(ZSTD(1)) AFTER message_payload_bytes;

-- Prices of sound and pictures; empty: paid as the kind of token that they are part of.
ALTER TABLE model_prices ON CLUSTER `main` ADD COLUMN IF NOT EXISTS input_audio Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER reasoning,
    ADD COLUMN IF NOT EXISTS input_image Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER input_audio,
    ADD COLUMN IF NOT EXISTS cache_read_audio Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER input_image,
    ADD COLUMN IF NOT EXISTS cache_read_image Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER cache_read_audio,
    ADD COLUMN IF NOT EXISTS output_audio Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER cache_read_image,
    ADD COLUMN IF NOT EXISTS output_image Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER output_audio;

-- What was asked before those columns has none of them: ask again. Costs 0.1 ms per model and day.
ALTER TABLE model_prices ON CLUSTER `main` DELETE WHERE 1;

-- Price of what is written to a cache for an hour; empty: paid as other writes.
ALTER TABLE model_prices ON CLUSTER `main` ADD COLUMN IF NOT EXISTS cache_write_1h Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER output_image;

-- What was asked before that column has none of it: ask again. Costs 0.1 ms per model and day.
ALTER TABLE model_prices ON CLUSTER `main` DELETE WHERE 1;

-- What questions read of every call, made cheap to read: times of a day are no series within a part (its rows go by trace),
-- so that T64 packs them as small as Delta and ZSTD do and reads them in a fraction of the time; ids repeat, and LZ4 is enough.
ALTER TABLE llm_calls_local ON CLUSTER `main` MODIFY COLUMN run_id CODEC(LZ4),
    MODIFY COLUMN started_at CODEC(T64),
    MODIFY COLUMN ended_at CODEC(T64),
    MODIFY COLUMN input_tokens CODEC(T64, LZ4),
    MODIFY COLUMN output_tokens CODEC(T64, LZ4),
    MODIFY COLUMN cache_read_tokens CODEC(T64, LZ4),
    MODIFY COLUMN cache_write_tokens CODEC(T64, LZ4),
    MODIFY COLUMN reasoning_tokens CODEC(T64, LZ4),
    MODIFY COLUMN cost_usd CODEC(T64, LZ4);

-- As 0044.
ALTER TABLE critical_paths_local ON CLUSTER `main` MODIFY COLUMN run_id CODEC(LZ4),
    MODIFY COLUMN started_at CODEC(T64),
    MODIFY COLUMN ended_at CODEC(T64),
    MODIFY COLUMN critical_ns CODEC(T64, LZ4);

-- As 0044.
ALTER TABLE tool_calls_local ON CLUSTER `main` MODIFY COLUMN run_id CODEC(LZ4),
    MODIFY COLUMN started_at CODEC(T64),
    MODIFY COLUMN ended_at CODEC(T64);

-- As 0044.
ALTER TABLE agent_runs_local ON CLUSTER `main` MODIFY COLUMN run_id CODEC(LZ4),
    MODIFY COLUMN started_at CODEC(T64),
    MODIFY COLUMN ended_at CODEC(T64),
    MODIFY COLUMN input_tokens CODEC(T64, LZ4),
    MODIFY COLUMN output_tokens CODEC(T64, LZ4),
    MODIFY COLUMN cost_usd CODEC(T64, LZ4);

-- As 0044.
ALTER TABLE handoffs_local ON CLUSTER `main` MODIFY COLUMN run_id CODEC(LZ4),
    MODIFY COLUMN started_at CODEC(T64),
    MODIFY COLUMN ended_at CODEC(T64);

-- Facts: setting fact_days.
ALTER TABLE agent_runs_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- As long as the raw spans: setting raw_days.
ALTER TABLE agent_spans_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 30 DAY;

-- Facts: setting fact_days.
ALTER TABLE budget_events_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- Facts: setting fact_days.
ALTER TABLE critical_paths_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- Facts: setting fact_days.
ALTER TABLE decisions_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- Facts: setting fact_days.
ALTER TABLE faults_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- Facts: setting fact_days.
ALTER TABLE handoffs_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- Facts: setting fact_days.
ALTER TABLE human_waits_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- Settings hourly_history_days and daily_history_days.
ALTER TABLE kpi_history ON CLUSTER `main` MODIFY TTL bucket + INTERVAL 30 DAY DELETE WHERE grain = 'hour', bucket + INTERVAL 400 DAY DELETE WHERE grain = 'day';

-- Facts: setting fact_days.
ALTER TABLE llm_calls_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- Facts: setting fact_days.
ALTER TABLE messages_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- As long as the raw spans: setting raw_days.
ALTER TABLE open_spans_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 30 DAY;

-- As long as the raw spans: setting raw_days.
ALTER TABLE otel_logs_local ON CLUSTER `main` MODIFY TTL toDateTime(Timestamp) + INTERVAL 30 DAY;

-- Raw spans: setting raw_days.
ALTER TABLE otel_traces_local ON CLUSTER `main` MODIFY TTL toDateTime(Timestamp) + INTERVAL 30 DAY;

-- As long as the raw spans, and a week more: its partitions are weeks.
ALTER TABLE otel_traces_trace_id_ts_local ON CLUSTER `main` MODIFY TTL Start + INTERVAL 30 DAY + INTERVAL 7 DAY;

-- Facts: setting fact_days.
ALTER TABLE ratings_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- Facts: setting fact_days.
ALTER TABLE run_metrics_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- Facts: setting fact_days.
ALTER TABLE runs_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- A span that is open for a day is lost, whoever is heard of.
ALTER TABLE service_instances ON CLUSTER `main` MODIFY TTL toDateTime(seen_at) + INTERVAL 7 DAY;

-- Facts: setting fact_days.
ALTER TABLE tasks_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- Facts: setting fact_days.
ALTER TABLE tool_calls_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;

-- What the processor has not followed for a week it will never follow: `handspan rebuild` does.
ALTER TABLE trace_arrivals ON CLUSTER `main` MODIFY TTL toDateTime(arrived_at) + INTERVAL 7 DAY;

-- As long as raw spans may come: setting raw_days.
ALTER TABLE trace_gaps_local ON CLUSTER `main` MODIFY TTL toDateTime(noted_at) + INTERVAL 30 DAY;

-- Facts: setting fact_days.
ALTER TABLE validations_local ON CLUSTER `main` MODIFY TTL toDateTime(started_at) + INTERVAL 90 DAY;
