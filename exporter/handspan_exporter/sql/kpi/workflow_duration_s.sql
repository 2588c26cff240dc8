-- kpi: time from start to end of ended runs: median, 90 % and 95 % quantile, mean
-- grain: one row in total
-- unit: s
-- undefined when: no run ended
-- groupings kept in history: total, service, project, workflow, agent, feature
-- reads: runs
-- used by: handspan kpi, GET /api/v1/kpis/workflow_duration_s, kpi_history
WITH
{{dimensions_runs}},
{{finite}},
    -- One list of values for all levels; nan where there is none.
    quantilesExactInclusive(0.5, 0.9, 0.95)(duration_ns) AS durations_ns,
    quantilesExactInclusive(0.5, 0.9, 0.95)(active_ns) AS actives_ns
SELECT
    toString({by:Identifier}) AS "group",
    finite(durations_ns[1]) / 1e9 AS duration_p50_s,
    finite(durations_ns[2]) / 1e9 AS duration_p90_s,
    finite(durations_ns[3]) / 1e9 AS duration_p95_s,
    if(n = 0, NULL, sum(duration_ns) / n / 1e9) AS duration_mean_s,
    finite(exp(avgOrNull(log(duration_ns)))) / 1e9 AS duration_geometric_mean_s,
    finite(stddevSampStable(log(duration_ns))) AS duration_log_sd,
    -- without the time in which the run waited for a person
    finite(actives_ns[1]) / 1e9 AS active_p50_s,
    finite(actives_ns[2]) / 1e9 AS active_p90_s,
    finite(actives_ns[3]) / 1e9 AS active_p95_s,
    count(duration_ns) AS n,
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
