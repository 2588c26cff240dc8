-- kpi: tokens (input and output) of LLM calls that coordinate / of all LLM calls, with quantiles over
--   runs
-- grain: one row in total; also per model
-- unit: ratio, 0..1
-- undefined when: no LLM call says its tokens
-- groupings kept in history: total, workflow, agent
-- reads: llm_calls
-- used by: handspan kpi, GET /api/v1/kpis/coordination_token_ratio, kpi_history
WITH
    -- Not the column of the same name: only a constant key gives a row without any data.
    '' AS total
SELECT
    toString({by:Identifier}) AS "group",
    sumIf(tokens, coordination) / nullIf(sum(tokens), 0) AS coordination_token_ratio,
    quantileExactInclusiveOrNullIf(0.5)(run_ratio, first_of_run) AS coordination_token_p50_ratio,
    quantileExactInclusiveOrNullIf(0.9)(run_ratio, first_of_run) AS coordination_token_p90_ratio,
    countIf(first_of_run AND run_ratio IS NOT NULL) AS runs_n,
    sumIf(tokens, coordination) AS coordination_tokens,
    sum(tokens) AS all_tokens,
    count() AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no LLM call with tokens in the window') AS reason
FROM
(
    SELECT
        *,
{{dimensions_facts}},
        toString({by:Identifier}) AS of_group,
        ifNull(input_tokens, 0) + ifNull(output_tokens, 0) AS tokens,
        sumIf(tokens, coordination) OVER its_run / nullIf(sum(tokens) OVER its_run, 0) AS run_ratio,
        row_number() OVER its_run = 1 AS first_of_run
    FROM llm_calls FINAL
    WHERE ended_at >= {since:DateTime64(9, 'UTC')}
      AND ended_at < {until:DateTime64(9, 'UTC')}
      AND started_at < {until:DateTime64(9, 'UTC')}
      AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL)
      AND
{{filters_facts}}
    WINDOW its_run AS (PARTITION BY of_group, run_id)  -- 24.8 takes no parameter here
) AS c
GROUP BY "group"
ORDER BY "group"
{{settings}}
