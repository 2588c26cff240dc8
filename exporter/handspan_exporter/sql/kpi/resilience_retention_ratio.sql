-- kpi: success ratio of runs with injected faults / of runs without, among workflows that have both; 95 %
--   interval on the logarithm, with 0.5 added to successes and to failures
-- grain: one row per workflow
-- unit: ratio
-- undefined when: no workflow has runs of both kinds, or none without faults succeeded
-- groupings kept in history: total, workflow
-- reads: runs, faults
-- used by: handspan kpi, GET /api/v1/kpis/resilience_retention_ratio, kpi_history
WITH
    1.959963984540054 AS z,
    (k, n) -> 1 / (k + 0.5) - 1 / (n + 1) AS log_variance,
    log((faulted_k + 0.5) / (faulted_n + 1)) - log((baseline_k + 0.5) / (baseline_n + 1)) AS log_ratio,
    z * sqrt(log_variance(faulted_k, faulted_n) + log_variance(baseline_k, baseline_n)) AS log_half
SELECT
    -- Only a constant key gives a row without any data.
    if({by:String} = 'total', '', grouped) AS "group",
    if(baseline_k = 0 OR faulted_n = 0, NULL, (faulted_k / faulted_n) / (baseline_k / baseline_n)) AS resilience_retention_ratio,
    if(faulted_n = 0, NULL, faulted_k / faulted_n) AS faulted_success_ratio,
    if(baseline_n = 0, NULL, baseline_k / baseline_n) AS baseline_success_ratio,
    countIf(outcome = 'success' AND faulted) AS faulted_k,
    countIf(outcome = 'success' AND NOT faulted) AS baseline_k,
    countIf(faulted) AS faulted_n,
    countIf(NOT faulted) AS baseline_n,
    count() AS n,
    multiIf(resilience_retention_ratio IS NULL, NULL, faulted_k = 0, 0, exp(log_ratio - log_half)) AS low,
    if(resilience_retention_ratio IS NULL, NULL, exp(log_ratio + log_half)) AS high,
    multiIf(
        resilience_retention_ratio IS NOT NULL, '',
        n = 0, 'no workflow has runs with and without injected faults in the window',
        'no run without faults succeeded') AS reason
FROM
(
    WITH
{{dimensions_runs}}
    SELECT
        outcome,
        toString({by:Identifier}) AS grouped,
        run_id IN
        (
            -- Of any day: a fault may come from a clock that is days behind its run's, or ahead of it.
            SELECT run_id FROM faults FINAL WHERE injected
        ) AS faulted,
        max(faulted) OVER its_workflow AS some_faulted,
        min(faulted) OVER its_workflow AS all_faulted
    FROM runs FINAL
    WHERE parent_run_id = ''
      AND ended_at >= {since:DateTime64(9, 'UTC')}
      AND ended_at < {until:DateTime64(9, 'UTC')}
      AND outcome IN ('success', 'failure')
      AND
{{filters_runs}}
    WINDOW its_workflow AS (PARTITION BY workflow)
) AS r
WHERE some_faulted AND NOT all_faulted
GROUP BY "group"
ORDER BY "group"
{{settings}}
