-- kpi: handoffs that pass control and whose next handoff in the run goes straight back / handoffs that
--   pass control
-- grain: one row in total; also per edge, source, target
-- unit: ratio, 0..1
-- undefined when: no handoff passed control
-- groupings kept in history: total, workflow, edge
-- reads: handoffs
-- used by: handspan kpi, GET /api/v1/kpis/ping_pong_ratio, kpi_history
WITH
{{dimensions_facts}},
    concat(source, ' > ', target) AS edge,
{{wilson}}
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, ping_pongs / n) AS ping_pong_ratio,
    countIf(ping_pong) AS ping_pongs,
    count() AS n,
    wilson_low(ping_pongs, n) AS low,
    wilson_high(ping_pongs, n) AS high,
    if(n > 0, '', 'no handoff passed control in the window') AS reason
FROM handoffs FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_handoffs}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND mode = 'pass_control'
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
