-- kpi: lost handoffs / (accepted + lost handoffs); refused and pending ones stand beside it
-- grain: one row in total; also per edge, source, target, mode
-- unit: ratio, 0..1
-- undefined when: no handoff was accepted or lost
-- groupings kept in history: total, workflow, agent, edge
-- reads: handoffs
-- used by: handspan kpi, GET /api/v1/kpis/handoff_loss_ratio, kpi_history
WITH
{{dimensions_facts}},
    concat(source, ' > ', target) AS edge,
{{wilson}}
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, lost / n) AS handoff_loss_ratio,
    countIf(outcome = 'lost') AS lost,
    countIf(outcome = 'accepted') AS accepted,
    countIf(outcome = 'refused') AS refused,
    countIf(outcome = 'pending') AS pending,
    lost + accepted AS n,
    wilson_low(lost, n) AS low,
    wilson_high(lost, n) AS high,
    multiIf(
        n > 0, '',
        count() = 0, 'no handoff in the window',
        'no handoff was accepted or lost'
    ) AS reason
FROM handoffs FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_handoffs}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
