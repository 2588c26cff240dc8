-- kpi: how agents do: success, duration, cost and tokens of their own calls, errors, attempts, and what
--   their runs were rated in the window
-- grain: one row per agent; also per task_type, task_domain, agent_version
-- unit: ratio, 0..1
-- undefined when: no agent run ended as success or failure
-- groupings kept in history: total, agent, task_type, task_domain
-- reads: agent_runs, ratings
-- used by: handspan kpi, GET /api/v1/kpis/agent_performance, kpi_history
SELECT
    if(p."group" = '', r.rated, p."group") AS "group",
    p.success_ratio AS success_ratio,
    p.* EXCEPT ("group", success_ratio, n, low, high, reason),
    r.rating_mean AS rating_mean,
    r.rating_n AS rating_n,
    p.n AS n,
    p.low AS low,
    p.high AS high,
    if(p.agent_runs = 0, 'no agent run in the window', p.reason) AS reason
FROM
(
    WITH
{{dimensions_facts}},
{{wilson}},
{{finite}},
    -- One list of values for all levels; nan where there is none.
    quantilesExactInclusive(0.5, 0.9, 0.95)(duration_ns) AS durations_ns,
    quantilesExactInclusiveIf(0.5, 0.9)(toFloat64(a.cost_usd), a.unpriced_calls = 0) AS costs_usd,
    x -> toDecimal128(if(isFinite(x), x, 0.), 12) AS usd
    SELECT
        toString({by:Identifier}) AS "group",
        if(n = 0, NULL, successful / n) AS success_ratio,
        countIf(outcome = 'success') AS successful,
        countIf(outcome = 'failure') AS failed,
        count() AS agent_runs,
        finite(durations_ns[1]) / 1e9 AS duration_p50_s,
        finite(durations_ns[2]) / 1e9 AS duration_p90_s,
        finite(durations_ns[3]) / 1e9 AS duration_p95_s,
        sum(a.cost_usd) AS cost_usd,
        -- An agent run with an unpriced call has no known cost.
        sumIf(a.cost_usd, a.unpriced_calls = 0) / nullIf(cost_n, 0) AS cost_mean_usd,
        if(cost_n = 0, NULL, usd(costs_usd[1])) AS cost_p50_usd,
        if(cost_n = 0, NULL, usd(costs_usd[2])) AS cost_p90_usd,
        countIf(a.cost_usd IS NOT NULL AND a.unpriced_calls = 0) AS cost_n,
        sum(a.unpriced_calls) AS unpriced_calls,
        sum(a.input_tokens) AS input_tokens,
        sum(a.output_tokens) AS output_tokens,
        maxOrNullIf(attempt, attempt > 0) AS attempts_max,
        if(attempts_n = 0, NULL, sum(attempt) / attempts_n) AS attempts_mean,
        countIf(attempt > 0) AS attempts_n,
        sumMapIf(map(error_type, toUInt64(1)), outcome = 'failure') AS failures_by_error_type,
        successful + failed AS n,
        wilson_low(successful, n) AS low,
        wilson_high(successful, n) AS high,
        if(n > 0, '', 'no agent run ended as success or failure') AS reason
    FROM agent_runs AS a FINAL
    WHERE ended_at >= {since:DateTime64(9, 'UTC')}
      AND ended_at < {until:DateTime64(9, 'UTC')}
      AND indexHint(started_at >= {{earliest_agent_runs}} AND started_at < {until:DateTime64(9, 'UTC')})
      AND
{{filters_facts}}
    GROUP BY "group"
) AS p
-- Ratings come after runs, often when none of that agent ends: whoever was only rated has a row too, with zeros and NULLs.
FULL JOIN
(
    WITH
{{dimensions_facts}}
    SELECT
        toString({by:Identifier}) AS rated,
        sum(quality) / nullIf(rating_n, 0) AS rating_mean,
        count(quality) AS rating_n
    FROM ratings FINAL
    WHERE ended_at >= {since:DateTime64(9, 'UTC')}
      AND ended_at < {until:DateTime64(9, 'UTC')}
      AND indexHint(started_at >= {{earliest_ratings}} AND started_at < {until:DateTime64(9, 'UTC')})
      AND agent_run != ''
      AND
{{filters_facts}}
    GROUP BY rated
) AS r ON r.rated = p."group"
ORDER BY agent_runs DESC, "group"
{{settings}}