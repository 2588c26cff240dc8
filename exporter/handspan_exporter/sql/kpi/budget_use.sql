-- kpi: budgets by what they last said: used / limit, how many are near (80 %) or above it, and when the
--   first of the others is exhausted if it is spent on as between its first and last word in the window. A budget of
--   scope workflow or agent is another one in each run
-- grain: one row per budget; also per scope
-- unit: ratio
-- undefined when: no budget said its limit and what is used of it
-- groupings kept in history: total, budget
-- reads: budget_events
-- used by: handspan kpi, GET /api/v1/kpis/budget_use, kpi_history
SELECT
    -- Only a constant key gives a row without any data.
    if({by:String} = 'total', '', grouped) AS "group",
    toFloat64(sum(used)) / nullIf(toFloat64(sum(limit)), 0) AS used_ratio,
    if(n = 0, NULL, sum(limit)) AS limit_usd,
    if(n = 0, NULL, sum(used)) AS used_usd,
    multiIf(n = 0, NULL, exceeded > 0, 'exceeded', warning > 0, 'warning', 'ok') AS state,
    countIf(last_state = 'warning') AS warning,
    countIf(last_state = 'exceeded') AS exceeded,
    concat(replaceOne(toString(fromUnixTimestamp64Nano(min(exhausted_ns), 'UTC')), ' ', 'T'), 'Z') AS exhausted_at,
    count() AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no budget said its limit and use in the window') AS reason
FROM
(
    SELECT
        toString({by:Identifier}) AS grouped,
        budget AS of_budget,
        scope AS of_scope,
        pot,
        argMax(assumeNotNull(e.limit_usd), (ended_at, span_id)) AS limit,
        argMax(assumeNotNull(e.used_usd), (ended_at, span_id)) AS used,
        argMin(assumeNotNull(e.used_usd), (ended_at, span_id)) AS used_before,
        argMax(e.state, (ended_at, span_id)) AS said,
        -- A state that nobody said follows from the numbers.
        multiIf(said != '', toString(said), used > limit, 'exceeded', used >= limit * toDecimal64(0.8, 1), 'warning', 'ok') AS last_state,
        toUnixTimestamp64Nano(max(ended_at)) AS last_ns,
        last_ns - toUnixTimestamp64Nano(min(ended_at)) AS between_ns,
        if(between_ns > 0, (toFloat64(used) - toFloat64(used_before)) / between_ns, 0) AS usd_per_ns,
        -- Unknown if nothing is spent, and if it lasts for more than thirty years.
        toInt64(if(usd_per_ns > 0 AND used < limit, least(1e18, (toFloat64(limit) - toFloat64(used)) / usd_per_ns), 1e18)) AS left_ns,
        if(left_ns < 1000000000000000000, last_ns + left_ns, NULL) AS exhausted_ns
    FROM
    (
        SELECT *,
{{dimensions_facts}}
        FROM budget_events FINAL
        WHERE ended_at >= {since:DateTime64(9, 'UTC')}
          AND ended_at < {until:DateTime64(9, 'UTC')}
          AND indexHint(started_at >= {{earliest_budget_events}} AND started_at < {until:DateTime64(9, 'UTC')})
          AND limit_usd IS NOT NULL
          AND used_usd IS NOT NULL
          AND
{{filters_facts}}
    ) AS e
    GROUP BY grouped, of_budget, of_scope, pot
    HAVING count() > 0
) AS by_pot
GROUP BY "group"
ORDER BY "group"
{{settings}}
