-- kpi: tokens of LLM calls (input includes cached, output includes reasoning), and cache_hit_ratio =
--   cache read / input of the calls that say what they read from a cache, with quantiles over runs
-- grain: one row in total; also per model, provider
-- unit: tokens
-- undefined when: no LLM call says its input tokens
-- groupings kept in history: total, project, workflow, agent, feature, user, model
-- reads: llm_calls
-- used by: handspan kpi, GET /api/v1/kpis/tokens, kpi_history
SELECT
    -- Only a constant key gives a row without any data.
    if({by:String} = 'total', '', grouped) AS "group",
    sum(of_run.input) AS input_tokens,
    sum(of_run.output) AS output_tokens,
    sum(of_run.cache_read) AS cache_read_tokens,
    sum(of_run.cache_write) AS cache_write_tokens,
    sum(of_run.reasoning) AS reasoning_tokens,
    sum(of_run.cached) / nullIf(sum(of_run.cacheable), 0) AS cache_hit_ratio,
    quantileExactInclusiveOrNull(0.5)(run_ratio) AS cache_hit_p50_ratio,
    quantileExactInclusiveOrNull(0.9)(run_ratio) AS cache_hit_p90_ratio,
    count(run_ratio) AS cache_hit_runs_n,
    sum(of_run.cacheable_n) AS cache_hit_calls_n,
    sum(of_run.input_n) AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no LLM call with input tokens in the window') AS reason
FROM
(
    -- One row per run first: a hash of runs is far cheaper than calls sorted by their runs.
    WITH
{{dimensions_facts}},
{{run_key}},
        NOT input_tokens.null AND NOT cache_read_tokens.null AS says_both
    SELECT
        any(of_group) AS grouped,
        sum(input_tokens) AS input,
        sum(output_tokens) AS output,
        sum(cache_read_tokens) AS cache_read,
        sum(cache_write_tokens) AS cache_write,
        sum(reasoning_tokens) AS reasoning,
        sum(if(says_both, assumeNotNull(cache_read_tokens), 0)) AS cached,
        sum(if(says_both, assumeNotNull(input_tokens), 0)) AS cacheable,
        cached / nullIf(cacheable, 0) AS run_ratio,
        countIf(says_both) AS cacheable_n,
        count(input_tokens) AS input_n
    FROM llm_calls FINAL
    WHERE ended_at >= {since:DateTime64(9, 'UTC')}
      AND ended_at < {until:DateTime64(9, 'UTC')}
      AND indexHint(started_at >= {{earliest_llm_calls}} AND started_at < {until:DateTime64(9, 'UTC')})
      AND
{{filters_facts}}
    GROUP BY run_key
) AS of_run
GROUP BY "group"
ORDER BY "group"
{{settings}}
