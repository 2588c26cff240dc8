-- kpi: agent-time spent on coordination (plans, handoffs, calls that only hand over, gaps) / all
--   agent-time of ended runs; above 0.30 with advice
-- grain: one row in total
-- unit: ratio, 0..1
-- undefined when: no run with work or a leaf agent ended
-- groupings kept in history: total, project, workflow, agent
-- reads: runs
-- used by: handspan kpi, GET /api/v1/kpis/coordination_overhead_ratio, kpi_history
WITH
{{dimensions_runs}},
    assumeNotNull(r.coordination_ns) AS coordination,
    ifNull(r.agent_time_ns, 0) AS agent_time
SELECT
    toString({by:Identifier}) AS "group",
    sum(coordination) / nullIf(sum(agent_time), 0) AS coordination_overhead_ratio,
    quantileExactInclusiveOrNull(0.5)(coordination / nullIf(agent_time, 0)) AS coordination_p50_ratio,
    quantileExactInclusiveOrNull(0.9)(coordination / nullIf(agent_time, 0)) AS coordination_p90_ratio,
    if(n = 0, NULL, sum(coordination) / 1e9) AS coordination_s,
    if(n = 0, NULL, sum(agent_time) / 1e9) AS agent_time_s,
    if(coordination_overhead_ratio > 0.3, 'above 0.30: fewer handoffs, larger tasks or parallel agents would help', '') AS advice,
    countIf(agent_time > 0) AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no run with work or a leaf agent ended in the window') AS reason
FROM runs AS r FINAL
WHERE parent_run_id = ''
  AND ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND coordination_ns IS NOT NULL
  AND
{{filters_runs}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
