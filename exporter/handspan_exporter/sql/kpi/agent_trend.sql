-- kpi: the recent half of the window against the earlier one, per agent: success (difference), duration
--   and cost (ratio of geometric means); improving or declining only where the 95 % interval of the change says so
--   (Newcombe's for shares, Welch's test on logarithms)
-- grain: one row per agent; also per task_type
-- unit: difference of ratios
-- undefined when: one half has no agent run that ended as success or failure
-- groupings kept in history: agent
-- reads: agent_runs
-- used by: handspan kpi, GET /api/v1/kpis/agent_trend, kpi_history
WITH
{{dimensions_facts}},
    ended_at >= {since:DateTime64(9, 'UTC')} + toIntervalNanosecond(
        intDiv(toUnixTimestamp64Nano({until:DateTime64(9, 'UTC')}) - toUnixTimestamp64Nano({since:DateTime64(9, 'UTC')}), 2)
    ) AS recent,
    ifNull(a.cost_usd > 0 AND a.unpriced_calls = 0, 0) AS has_cost,
    countIf(outcome = 'success' AND recent) AS recent_k,
    countIf(outcome = 'success' AND NOT recent) AS earlier_k,
    recent_k / nullIf(recent_n, 0) AS recent_p,
    earlier_k / nullIf(earlier_n, 0) AS earlier_p,
    -- (t, p, low, high) of the difference recent - earlier; not finite where a half has fewer than two.
    welchTTestIf(0.95)(log(a.duration_ns), NOT recent, a.duration_ns > 0) AS duration_test,
    welchTTestIf(0.95)(log(ifNull(toFloat64(a.cost_usd), 0)), NOT recent, has_cost) AS cost_test,
    test -> (test.3 + test.4) / 2 AS mean_change,
{{wilson}}
SELECT
    toString({by:Identifier}) AS "group",
    recent_p - earlier_p AS success_change,
    recent_p AS recent_success_ratio,
    earlier_p AS earlier_success_ratio,
    multiIf(success_change IS NULL, 'insufficient', low > 0, 'improving', high < 0, 'declining', 'stable') AS success_trend,
    if(isFinite(duration_test.3), exp(mean_change(duration_test)), NULL) AS duration_change_ratio,
    if(isFinite(duration_test.3), exp(duration_test.3), NULL) AS duration_change_low,
    if(isFinite(duration_test.3), exp(duration_test.4), NULL) AS duration_change_high,
    multiIf(duration_change_ratio IS NULL, 'insufficient', duration_change_high < 1, 'improving', duration_change_low > 1, 'declining', 'stable') AS duration_trend,
    countIf(a.duration_ns > 0) AS duration_n,
    if(isFinite(cost_test.3), exp(mean_change(cost_test)), NULL) AS cost_change_ratio,
    if(isFinite(cost_test.3), exp(cost_test.3), NULL) AS cost_change_low,
    if(isFinite(cost_test.3), exp(cost_test.4), NULL) AS cost_change_high,
    multiIf(cost_change_ratio IS NULL, 'insufficient', cost_change_high < 1, 'improving', cost_change_low > 1, 'declining', 'stable') AS cost_trend,
    countIf(has_cost) AS cost_n,
    countIf(outcome IN ('success', 'failure') AND recent) AS recent_n,
    countIf(outcome IN ('success', 'failure') AND NOT recent) AS earlier_n,
    recent_n + earlier_n AS n,
    if(success_change IS NULL, NULL, recent_p - earlier_p - sqrt(pow(recent_p - wilson_low(recent_k, recent_n), 2) + pow(wilson_high(earlier_k, earlier_n) - earlier_p, 2))) AS low,
    if(success_change IS NULL, NULL, recent_p - earlier_p + sqrt(pow(wilson_high(recent_k, recent_n) - recent_p, 2) + pow(earlier_p - wilson_low(earlier_k, earlier_n), 2))) AS high,
    multiIf(recent_n > 0 AND earlier_n > 0, '', n = 0, 'no agent run ended as success or failure in the window', 'one half of the window has no agent run that ended as success or failure') AS reason
FROM agent_runs AS a FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_agent_runs}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY n DESC, "group"
{{settings}}
