-- kpi: time from a fault to what overcame it: mean (MTTR) and quantiles over recovered faults. In the
--   median of all faults an unrecovered one counts as infinite: it is unknown when half were not overcome
-- grain: one row per origin; also per fault_type, target, strategy
-- unit: s
-- undefined when: no fault was recovered
-- groupings kept in history: total, origin
-- reads: faults
-- used by: handspan kpi, GET /api/v1/kpis/time_to_recovery_s, kpi_history
WITH
{{dimensions_facts}},
{{finite}},
    if(injected, 'injected', 'real') AS origin,
    quantileExactInclusiveOrNullIf(0.5)(ifNull(toFloat64(f.recovery_ns), 1e30), outcome != 'open') AS median_ns
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, sum(f.recovery_ns) / n / 1e9) AS recovery_mean_s,
    finite(exp(avgOrNull(log(f.recovery_ns)))) / 1e9 AS recovery_geometric_mean_s,
    finite(stddevSampStable(log(f.recovery_ns))) AS recovery_log_sd,
    quantileExactInclusiveOrNull(0.5)(f.recovery_ns) / 1e9 AS recovery_p50_s,
    quantileExactInclusiveOrNull(0.9)(f.recovery_ns) / 1e9 AS recovery_p90_s,
    -- 1e30 stands for infinite, which cannot be interpolated.
    if(median_ns < 1e20, median_ns / 1e9, NULL) AS all_faults_p50_s,
    countIf(outcome = 'unrecovered') AS unrecovered,
    count(f.recovery_ns) AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    multiIf(n > 0, '', count() = 0, 'no fault in the window', 'no fault was recovered') AS reason
FROM faults AS f FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_faults}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
