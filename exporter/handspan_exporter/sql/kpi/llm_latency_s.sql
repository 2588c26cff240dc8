-- kpi: how long LLM calls took
-- grain: one row in total; also per model, provider
-- unit: s
-- undefined when: no LLM call ended
-- groupings kept in history: total, model, provider
-- reads: llm_calls
-- used by: handspan kpi, GET /api/v1/kpis/llm_latency_s, kpi_history
WITH
{{dimensions_facts}},
{{finite}},
    -- One list of values for all levels; nan where there is none.
    quantilesExactInclusive(0.5, 0.9, 0.95)(duration_ns) AS latencies_ns
SELECT
    toString({by:Identifier}) AS "group",
    finite(latencies_ns[1]) / 1e9 AS latency_p50_s,
    finite(latencies_ns[2]) / 1e9 AS latency_p90_s,
    finite(latencies_ns[3]) / 1e9 AS latency_p95_s,
    if(n = 0, NULL, sum(duration_ns) / n / 1e9) AS latency_mean_s,
    finite(exp(avgOrNull(log(duration_ns)))) / 1e9 AS latency_geometric_mean_s,
    finite(stddevSampStable(log(duration_ns))) AS latency_log_sd,
    count() AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
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
