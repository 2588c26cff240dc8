-- kpi: duration of ended runs / their estimates, and their cost / its estimates, with quantiles over
--   runs
-- grain: one row in total
-- unit: ratio
-- undefined when: no run with an estimated duration ended
-- groupings kept in history: total, project, workflow
-- reads: runs
-- used by: handspan kpi, GET /api/v1/kpis/duration_vs_estimate_ratio, kpi_history
WITH
{{dimensions_runs}},
    ifNull(r.cost_usd IS NOT NULL AND r.unpriced_calls = 0 AND r.estimated_cost_usd > 0, 0) AS has_costs
SELECT
    toString({by:Identifier}) AS "group",
    sumIf(duration_ns, r.estimated_s > 0) / 1e9 / nullIf(sumIf(r.estimated_s, r.estimated_s > 0), 0) AS duration_vs_estimate_ratio,
    quantileExactInclusiveOrNullIf(0.5)(duration_ns / 1e9 / r.estimated_s, r.estimated_s > 0) AS duration_vs_estimate_p50_ratio,
    quantileExactInclusiveOrNullIf(0.9)(duration_ns / 1e9 / r.estimated_s, r.estimated_s > 0) AS duration_vs_estimate_p90_ratio,
    -- A run with an unpriced call has no known cost.
    toFloat64(sumIf(r.cost_usd, has_costs)) / nullIf(toFloat64(sumIf(r.estimated_cost_usd, has_costs)), 0) AS cost_vs_estimate_ratio,
    countIf(has_costs) AS cost_n,
    countIf(r.estimated_s > 0) AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no run with an estimated duration ended in the window') AS reason
FROM runs AS r FINAL
WHERE parent_run_id = ''
  AND ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND
{{filters_runs}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
