-- kpi: distinct agents of an ended run: mean, quantiles over runs, most
-- grain: one row in total
-- unit: agents
-- undefined when: no run ended
-- groupings kept in history: total, service, project, workflow, agent, feature
-- reads: runs
-- used by: handspan kpi, GET /api/v1/kpis/agents_per_workflow, kpi_history
WITH
{{dimensions_runs}},
{{finite}}
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, sum(length(agents)) / n) AS agents_mean,
    finite(stddevSampStable(length(agents))) AS agents_sd,
    quantileExactInclusiveOrNull(0.5)(length(agents)) AS agents_p50,
    quantileExactInclusiveOrNull(0.9)(length(agents)) AS agents_p90,
    quantileExactInclusiveOrNull(0.95)(length(agents)) AS agents_p95,
    maxOrNull(length(agents)) AS agents_max,
    count() AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no run ended in the window') AS reason
FROM runs FINAL
WHERE parent_run_id = ''
  AND ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND
{{filters_runs}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
