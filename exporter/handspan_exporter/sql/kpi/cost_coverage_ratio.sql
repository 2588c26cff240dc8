-- kpi: priced LLM calls / calls with usage or a model; the rest by reason
-- grain: one row in total; also per model, provider
-- unit: ratio, 0..1
-- undefined when: no LLM call has usage or a model
-- groupings kept in history: total, workflow, agent, model
-- reads: llm_calls
-- used by: handspan kpi, GET /api/v1/kpis/cost_coverage_ratio, kpi_history
WITH
{{dimensions_facts}},
{{wilson}}
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, priced_calls / n) AS cost_coverage_ratio,
    countIf(NOT c.cost_usd.null) AS priced_calls,
    n - priced_calls AS unpriced_calls,
    sumMapIf(map(unknown_reason, toUInt64(1)), c.cost_usd.null) AS unpriced_by_reason,
    count() AS n,
    wilson_low(priced_calls, n) AS low,
    wilson_high(priced_calls, n) AS high,
    if(n > 0, '', 'no LLM call with usage or a model in the window') AS reason
FROM llm_calls AS c FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_llm_calls}} AND started_at < {until:DateTime64(9, 'UTC')})
  -- Only whether a number is there is read.
  AND (NOT c.cost_usd.null OR model != '' OR NOT input_tokens.null OR NOT output_tokens.null)
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
