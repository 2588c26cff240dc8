-- The agent runs of the run, in the order of their start.
SELECT
    started_at,
    agent,
    outcome,
    toFloat64(toUnixTimestamp64Nano(started_at) - min(toUnixTimestamp64Nano(started_at)) OVER ()) / 1e9 AS after_s,
    duration_ns / 1e9 AS duration_s,
    agent_time_ns / 1e9 AS agent_time_s,
    llm_calls,
    tool_calls,
    input_tokens,
    output_tokens,
    toFloat64(cost_usd) AS cost_usd,
    unpriced_calls,
    attempt,
    error_type
FROM agent_runs FINAL
WHERE run_id = ${run:singlequote}
ORDER BY started_at, span_id
LIMIT 1000
