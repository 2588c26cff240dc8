-- kpi: spans of ended runs that are roots or whose parent is stored / spans; and traces with more than
--   one root
-- grain: one row in total
-- unit: ratio, 0..1
-- undefined when: no run ended
-- groupings kept in history: total, service, workflow
-- reads: runs
-- used by: handspan kpi, GET /api/v1/kpis/trace_completeness_ratio, kpi_history
WITH
{{dimensions_runs}},
{{wilson}}
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, complete / n) AS trace_completeness_ratio,
    sum(spans_seen) - parents_missing AS complete,
    sum(runs.parents_missing) AS parents_missing,
    uniqExactArray(multi_root_traces) AS multi_root_traces,
    uniqExactArray(trace_ids) AS traces,
    sum(spans_seen) AS n,
    wilson_low(complete, n) AS low,
    wilson_high(complete, n) AS high,
    if(n > 0, '', 'no run ended in the window') AS reason
FROM runs FINAL
WHERE parent_run_id = ''
  AND ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND
{{filters_runs}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
