-- kpi: the paths that agents took through ended runs: share of all, success, duration, cost
-- grain: one row per pattern
-- unit: ratio, 0..1
-- undefined when: no run ended
-- groupings kept in history: pattern
-- reads: runs
-- used by: handspan kpi, GET /api/v1/kpis/workflow_patterns, kpi_history
WITH
{{dimensions_runs}},
    path AS pattern,
{{wilson}},
{{finite}},
    -- One list of values for all levels; nan where there is none.
    quantilesExactInclusive(0.5, 0.9, 0.95)(duration_ns) AS durations_ns
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, runs_n / n) AS share,
    count() AS runs_n,
    if(success_n = 0, NULL, countIf(outcome = 'success') / success_n) AS success_ratio,
    wilson_low(countIf(outcome = 'success'), success_n) AS success_low,
    wilson_high(countIf(outcome = 'success'), success_n) AS success_high,
    countIf(outcome IN ('success', 'failure')) AS success_n,
    finite(durations_ns[1]) / 1e9 AS duration_p50_s,
    finite(durations_ns[2]) / 1e9 AS duration_p90_s,
    finite(durations_ns[3]) / 1e9 AS duration_p95_s,
    -- A run with an unpriced call has no known cost.
    sumIf(r.cost_usd, unpriced_calls = 0) / nullIf(cost_n, 0) AS cost_mean_usd,
    countIf(r.cost_usd IS NOT NULL AND unpriced_calls = 0) AS cost_n,
    -- Grouped by agent, a run stands in several groups and counts once here; else each is a row of its own.
    if(
        {by:String} = 'agent',
        uniqExactMerge(uniqExactStateIf(run_id, {by:String} = 'agent')) OVER (),
        sum(count()) OVER ()
    ) AS n,
    wilson_low(runs_n, n) AS low,
    wilson_high(runs_n, n) AS high,
    if(n > 0, '', 'no run ended in the window') AS reason
FROM runs AS r FINAL
WHERE parent_run_id = ''
  AND ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND
{{filters_runs}}
GROUP BY "group"
ORDER BY runs_n DESC, "group"
{{settings}}
