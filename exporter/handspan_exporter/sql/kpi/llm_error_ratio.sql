-- kpi: failed LLM calls / LLM calls
-- grain: one row in total; also per model, provider
-- unit: ratio, 0..1
-- undefined when: no LLM call ended
-- groupings kept in history: total, agent, model, provider
-- reads: llm_calls
-- used by: handspan kpi, GET /api/v1/kpis/llm_error_ratio, kpi_history
WITH
{{dimensions_facts}},
{{wilson}}
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, failed / n) AS llm_error_ratio,
    countIf(outcome = 'failure') AS failed,
    sumMapIf(map(error_type, toUInt64(1)), outcome = 'failure') AS failures_by_error_type,
    count() AS n,
    wilson_low(failed, n) AS low,
    wilson_high(failed, n) AS high,
    if(n > 0, '', 'no LLM call in the window') AS reason
FROM llm_calls FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_llm_calls}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND NOT container
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
