-- kpi: all cost of the features' runs / completed features: those whose last top run in the window
--   succeeded; calls without a price are counted beside it
-- grain: one row in total
-- unit: USD
-- undefined when: no feature was completed, or no call of its runs is priced
-- groupings kept in history: total, project, feature
-- reads: runs
-- used by: handspan kpi, GET /api/v1/kpis/cost_per_feature_usd, kpi_history
SELECT
    -- Only a constant key gives a row without any data.
    if({by:String} = 'total', '', grouped) AS "group",
    sum(cost) / nullIf(n, 0) AS cost_per_feature_usd,
    sum(cost) AS cost_usd,
    sum(unpriced) AS unpriced_calls,
    count() AS features,
    sum(runs_n) AS runs_n,
    countIf(last_outcome = 'success') AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    multiIf(
        n > 0 AND cost_usd IS NOT NULL, '',
        features = 0, 'no run of a feature in the window',
        n = 0, 'no feature was completed',
        'no call is priced') AS reason
FROM
(
    WITH
{{dimensions_runs}}
    SELECT
        toString({by:Identifier}) AS grouped,
        feature AS of_feature,
        sum(r.cost_usd) AS cost,
        sum(r.unpriced_calls) AS unpriced,
        count() AS runs_n,
        argMax(outcome, (coalesce(ended_at, started_at), run_id)) AS last_outcome
    FROM runs AS r FINAL
    WHERE parent_run_id = ''
      AND feature != ''
      AND coalesce(ended_at, started_at) >= {since:DateTime64(9, 'UTC')}
      AND coalesce(ended_at, started_at) < {until:DateTime64(9, 'UTC')}
      AND
{{filters_runs}}
    GROUP BY grouped, of_feature
    HAVING count() > 0
) AS by_feature
GROUP BY "group"
ORDER BY "group"
{{settings}}
