-- kpi: from the request to the first piece of the answer, of LLM calls that say it
-- grain: one row in total; also per model, provider
-- unit: s
-- undefined when: no LLM call says it
-- groupings kept in history: total, model, provider
-- reads: llm_calls
-- used by: handspan kpi, GET /api/v1/kpis/time_to_first_token_s, kpi_history
WITH
{{dimensions_facts}},
{{finite}},
    -- One list of values for all levels; nan where there is none.
    quantilesExactInclusive(0.5, 0.9, 0.95)(c.time_to_first_token_s) AS firsts_s
SELECT
    toString({by:Identifier}) AS "group",
    finite(firsts_s[1]) AS first_token_p50_s,
    finite(firsts_s[2]) AS first_token_p90_s,
    finite(firsts_s[3]) AS first_token_p95_s,
    sum(c.time_to_first_token_s) / nullIf(n, 0) AS first_token_mean_s,
    finite(exp(avgOrNull(log(c.time_to_first_token_s)))) AS first_token_geometric_mean_s,
    finite(stddevSampStable(log(c.time_to_first_token_s))) AS first_token_log_sd,
    count(c.time_to_first_token_s) AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no LLM call with a time to its first token in the window') AS reason
FROM llm_calls AS c FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_llm_calls}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND NOT container
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
