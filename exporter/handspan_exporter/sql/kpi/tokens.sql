-- kpi: tokens of LLM calls (input includes cached, output includes reasoning), and cache_hit_ratio =
--   cache read / input of the calls that say what they read from a cache, with quantiles over runs
-- grain: one row in total; also per model, provider
-- unit: tokens
-- undefined when: no LLM call says its input tokens
-- groupings kept in history: total, project, workflow, agent, feature, user, model
-- reads: llm_calls
-- used by: handspan kpi, GET /api/v1/kpis/tokens, kpi_history
WITH
    -- Not the column of the same name: only a constant key gives a row without any data.
    '' AS total
SELECT
    toString({by:Identifier}) AS "group",
    sum(c.input_tokens) AS input_tokens,
    sum(c.output_tokens) AS output_tokens,
    sum(c.cache_read_tokens) AS cache_read_tokens,
    sum(c.cache_write_tokens) AS cache_write_tokens,
    sum(c.reasoning_tokens) AS reasoning_tokens,
    sum(cached) / nullIf(sum(cacheable), 0) AS cache_hit_ratio,
    quantileExactInclusiveOrNullIf(0.5)(run_ratio, first_of_run) AS cache_hit_p50_ratio,
    quantileExactInclusiveOrNullIf(0.9)(run_ratio, first_of_run) AS cache_hit_p90_ratio,
    countIf(first_of_run AND run_ratio IS NOT NULL) AS cache_hit_runs_n,
    count(cacheable) AS cache_hit_calls_n,
    count(c.input_tokens) AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no LLM call with input tokens in the window') AS reason
FROM
(
    SELECT
        *,
{{dimensions_facts}},
        toString({by:Identifier}) AS of_group,
        if(input_tokens IS NULL, NULL, cache_read_tokens) AS cached,
        if(cache_read_tokens IS NULL, NULL, input_tokens) AS cacheable,
        sum(cached) OVER its_run / nullIf(sum(cacheable) OVER its_run, 0) AS run_ratio,
        row_number() OVER its_run = 1 AS first_of_run
    FROM llm_calls FINAL
    WHERE ended_at >= {since:DateTime64(9, 'UTC')}
      AND ended_at < {until:DateTime64(9, 'UTC')}
      AND started_at < {until:DateTime64(9, 'UTC')}
      AND
{{filters_facts}}
    WINDOW its_run AS (PARTITION BY of_group, run_id)
) AS c
GROUP BY "group"
ORDER BY "group"
{{settings}}
