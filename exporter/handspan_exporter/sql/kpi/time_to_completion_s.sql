-- kpi: time from queue (from start, if never queued) to end of successful runs
-- grain: one row in total
-- unit: s
-- undefined when: no run succeeded
-- groupings kept in history: total, project, workflow, agent, feature
-- reads: runs
-- used by: handspan kpi, GET /api/v1/kpis/time_to_completion_s, kpi_history
WITH
{{dimensions_runs}},
{{finite}},
    toUnixTimestamp64Nano(assumeNotNull(ended_at)) - toUnixTimestamp64Nano(coalesce(queued_at, started_at)) AS completion_ns
SELECT
    toString({by:Identifier}) AS "group",
    quantileExactInclusiveOrNull(0.5)(completion_ns) / 1e9 AS completion_p50_s,
    quantileExactInclusiveOrNull(0.9)(completion_ns) / 1e9 AS completion_p90_s,
    quantileExactInclusiveOrNull(0.95)(completion_ns) / 1e9 AS completion_p95_s,
    if(n = 0, NULL, sum(completion_ns) / n / 1e9) AS completion_mean_s,
    finite(exp(avgOrNull(log(completion_ns)))) / 1e9 AS completion_geometric_mean_s,
    finite(stddevSampStable(log(completion_ns))) AS completion_log_sd,
    count(queued_at) AS queued_n,
    count() AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no run succeeded in the window') AS reason
FROM runs FINAL
WHERE parent_run_id = ''
  AND ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND outcome = 'success'
  AND
{{filters_runs}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
