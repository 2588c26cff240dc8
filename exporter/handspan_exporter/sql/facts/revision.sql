-- The highest revision ever written: the clock may have been set back since.
SELECT max(revision) AS revision
FROM
(
    SELECT max(revision) AS revision FROM processor_state
    UNION ALL SELECT max(revision) FROM run_traces
    UNION ALL SELECT max(revision) FROM runs
    UNION ALL SELECT max(revision) FROM agent_runs
    UNION ALL SELECT max(revision) FROM llm_calls
    UNION ALL SELECT max(revision) FROM tool_calls
    UNION ALL SELECT max(revision) FROM handoffs
    UNION ALL SELECT max(revision) FROM faults
    UNION ALL SELECT max(revision) FROM human_waits
    UNION ALL SELECT max(revision) FROM validations
    UNION ALL SELECT max(revision) FROM ratings
    UNION ALL SELECT max(revision) FROM budget_events
    UNION ALL SELECT max(revision) FROM run_metrics
    UNION ALL SELECT max(revision) FROM decisions
    UNION ALL SELECT max(revision) FROM messages
    UNION ALL SELECT max(revision) FROM tasks
    UNION ALL SELECT max(revision) FROM critical_paths
    UNION ALL SELECT max(revision) FROM history_due
    UNION ALL SELECT max(version) FROM kpi_history
)
