-- The run's cost by agent; a call without a price is counted, never added as 0.
SELECT agent, toFloat64(sum(c.cost_usd)) AS cost_usd, countIf(c.cost_usd IS NULL) AS unpriced_calls, count() AS n
FROM llm_calls AS c FINAL
WHERE run_id = ${run:singlequote}
GROUP BY agent
ORDER BY cost_usd DESC NULLS LAST, agent
LIMIT 100
