-- The run of the dashboard: one row, none when there is no such run.
SELECT
    run_id AS run,
    workflow,
    outcome,
    duration_ns / 1e9 AS duration_s,
    active_ns / 1e9 AS active_s,
    toFloat64(cost_usd) AS cost_usd,
    unpriced_calls,
    input_tokens + output_tokens AS tokens,
    length(agents) AS agents,
    handoffs,
    resilience_score,
    error_type,
    root_trace_id AS trace
FROM runs FINAL
WHERE run_id = ${run:singlequote}
LIMIT 1
