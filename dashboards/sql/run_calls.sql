-- Calls of models and tools in the run, in the order of their start.
SELECT * FROM
(
    SELECT started_at AS at, 'model' AS kind, agent, model AS name, outcome, duration_ns / 1e9 AS duration_s, time_to_first_token_s,
        input_tokens, output_tokens, toFloat64(cost_usd) AS cost_usd, unknown_reason, error_type
    FROM llm_calls FINAL WHERE run_id = ${run:singlequote}
    UNION ALL
    SELECT started_at, if(delegation, 'delegation', 'tool'), agent, tool, outcome, duration_ns / 1e9, CAST(NULL, 'Nullable(Float64)'),
        CAST(NULL, 'Nullable(UInt64)'), CAST(NULL, 'Nullable(UInt64)'), CAST(NULL, 'Nullable(Float64)'), '', error_type
    FROM tool_calls FINAL WHERE run_id = ${run:singlequote}
)
ORDER BY at
LIMIT 1000
