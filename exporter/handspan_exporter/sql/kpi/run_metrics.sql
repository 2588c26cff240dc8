-- kpi: numbers that users recorded on runs
-- grain: one row per metric
-- unit: as recorded
-- undefined when: nothing was recorded
-- groupings kept in history: metric
-- reads: run_metrics
-- used by: handspan kpi, GET /api/v1/kpis/run_metrics, kpi_history
WITH
{{dimensions_facts}},
{{finite}}
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, sum(value) / n) AS value_mean,
    finite(stddevSampStable(value)) AS value_sd,
    quantileExactInclusiveOrNull(0.1)(value) AS value_p10,
    quantileExactInclusiveOrNull(0.5)(value) AS value_p50,
    quantileExactInclusiveOrNull(0.9)(value) AS value_p90,
    minOrNull(value) AS value_min,
    maxOrNull(value) AS value_max,
    if(n = 0, NULL, sum(value)) AS value_sum,
    argMaxOrNull(value, (ended_at, trace_id, span_id)) AS value_last,
    uniqExact(run_id) AS runs_n,
    count() AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no number was recorded in the window') AS reason
FROM run_metrics FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_run_metrics}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
