-- One row per fault: those that were recorded (fault spans and events), and real ones that nobody recorded: a call of a
-- model or of a tool that failed, unless a recorded fault lies around or in it (its error is that fault's effect), and
-- unless the tool is a delegation. Recovered (kpis.md "fault_recovery_ratio") = a successful recovery that names the
-- fault, or names none and follows it (the newest fault of the run so far); else a later success of the same target by
-- the same agent; else the run succeeded.
CREATE TABLE IF NOT EXISTS faults
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
ENGINE = ReplacingMergeTree(revision, is_deleted)
PARTITION BY toDate(started_at)
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
