-- kpi: per run 100 x the share of its faults, weighted by severity, that were overcome within their
--   deadline: mean and quantiles over ended runs. Where no fault is stored, the score that the run's span says
-- grain: one row in total
-- unit: score, 0..100
-- undefined when: no ended run had a fault
-- groupings kept in history: total, workflow
-- reads: runs, faults
-- used by: handspan kpi, GET /api/v1/kpis/resilience_score, kpi_history
WITH
{{finite}}
SELECT
    -- Only a constant key gives a row without any data.
    if({by:String} = 'total', '', grouped) AS "group",
    if(n = 0, NULL, sum(score) / n) AS resilience_score,
    finite(stddevSampStable(score)) AS resilience_sd_score,
    quantileExactInclusiveOrNull(0.1)(score) AS resilience_p10_score,
    quantileExactInclusiveOrNull(0.5)(score) AS resilience_p50_score,
    quantileExactInclusiveOrNull(0.9)(score) AS resilience_p90_score,
    count(score) AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no ended run had a fault in the window') AS reason
FROM
(
    SELECT grouped, coalesce(f.computed, r.said) AS score
    FROM
    (
        WITH
{{dimensions_runs}}
        SELECT run_id, resilience_score AS said, toString({by:Identifier}) AS grouped
        FROM runs FINAL
        WHERE parent_run_id = ''
          AND ended_at >= {since:DateTime64(9, 'UTC')}
          AND ended_at < {until:DateTime64(9, 'UTC')}
          AND
{{filters_runs}}
    ) AS r
    LEFT JOIN
    (
        SELECT run_id AS of_run, 100 * sumIf(severity, ifNull(within_deadline, 0)) / nullIf(sum(severity), 0) AS computed
        FROM faults FINAL
        -- Of any day: a fault may come from a clock that is days behind its run's, or ahead of it.
        WHERE run_id != ''
        GROUP BY run_id
    ) AS f ON f.of_run = r.run_id
) AS scored
GROUP BY "group"
ORDER BY "group"
{{settings}}
