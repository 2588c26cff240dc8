-- kpi: tokens (input and output) of LLM calls that coordinate / of all LLM calls, with quantiles over
--   runs
-- grain: one row in total; also per model
-- unit: ratio, 0..1
-- undefined when: no LLM call says its tokens
-- groupings kept in history: total, workflow, agent
-- reads: llm_calls
-- used by: handspan kpi, GET /api/v1/kpis/coordination_token_ratio, kpi_history
SELECT
    -- Only a constant key gives a row without any data.
    if({by:String} = 'total', '', grouped) AS "group",
    sum(coordinating) / nullIf(sum(spent), 0) AS coordination_token_ratio,
    quantileExactInclusiveOrNull(0.5)(run_ratio) AS coordination_token_p50_ratio,
    quantileExactInclusiveOrNull(0.9)(run_ratio) AS coordination_token_p90_ratio,
    count(run_ratio) AS runs_n,
    sum(coordinating) AS coordination_tokens,
    sum(spent) AS all_tokens,
    sum(calls) AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no LLM call with tokens in the window') AS reason
FROM
(
    -- One row per run first: a hash of runs is far cheaper than calls sorted by their runs.
    WITH
{{dimensions_facts}},
{{run_key}},
        ifNull(input_tokens, 0) + ifNull(output_tokens, 0) AS tokens
    SELECT
        any(of_group) AS grouped,
        sumIf(tokens, coordination) AS coordinating,
        sum(tokens) AS spent,
        coordinating / nullIf(spent, 0) AS run_ratio,
        count() AS calls
    FROM llm_calls FINAL
    WHERE ended_at >= {since:DateTime64(9, 'UTC')}
      AND ended_at < {until:DateTime64(9, 'UTC')}
      AND indexHint(started_at >= {{earliest_llm_calls}} AND started_at < {until:DateTime64(9, 'UTC')})
      AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL)
      AND
{{filters_facts}}
    GROUP BY run_key
) AS of_run
GROUP BY "group"
ORDER BY "group"
{{settings}}
