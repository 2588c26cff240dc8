-- kpi: successful runs / (successful + failed runs); cancelled, running and lost ones stand beside it
-- grain: one row in total
-- unit: ratio, 0..1
-- undefined when: no run ended as success or failure
-- groupings kept in history: total, service, project, workflow, agent, feature
-- reads: runs
-- used by: handspan kpi, GET /api/v1/kpis/workflow_success_ratio, kpi_history
WITH
{{dimensions_runs}},
{{wilson}}
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, successful / n) AS workflow_success_ratio,
    countIf(outcome = 'success') AS successful,
    countIf(outcome = 'failure') AS failed,
    countIf(outcome = 'cancelled') AS cancelled,
    countIf(outcome = 'running') AS running,
    countIf(outcome = 'lost') AS lost,
    successful + failed AS n,
    wilson_low(successful, n) AS low,
    wilson_high(successful, n) AS high,
    multiIf(
        n > 0, '',
        count() = 0, 'no run in the window',
        'no run ended as success or failure'
    ) AS reason
FROM runs FINAL
WHERE parent_run_id = ''
  AND coalesce(ended_at, started_at) >= {since:DateTime64(9, 'UTC')}
  AND coalesce(ended_at, started_at) < {until:DateTime64(9, 'UTC')}
  AND
{{filters_runs}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
