-- kpi: waits for a person that ended: how long, and how they were decided; and those that began in the
--   window and still last
-- grain: one row per human_reason; also per priority, decision
-- unit: waits
-- undefined when: no wait ended
-- groupings kept in history: total, human_reason, priority
-- reads: human_waits
-- used by: handspan kpi, GET /api/v1/kpis/human_escalations, kpi_history
WITH
{{dimensions_facts}},
    w.reason        AS human_reason,
    state = 'ended' AS over
SELECT
    toString({by:Identifier}) AS "group",
    nullIf(n, 0) AS escalations,
    quantileExactInclusiveOrNullIf(0.5)(duration_ns, over) / 1e9 AS wait_p50_s,
    quantileExactInclusiveOrNullIf(0.9)(duration_ns, over) / 1e9 AS wait_p90_s,
    countIf(decision = 'approved') / nullIf(decided_n, 0) AS approved_share,
    countIf(decision = 'denied') / nullIf(decided_n, 0) AS denied_share,
    countIf(decision = 'answered') / nullIf(decided_n, 0) AS answered_share,
    countIf(decision = 'timed_out') / nullIf(decided_n, 0) AS timed_out_share,
    countIf(decision != '') AS decided_n,
    countIf(state = 'waiting') AS still_waiting,
    countIf(over) AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no wait for a person ended in the window') AS reason
FROM human_waits AS w FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_human_waits}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY n DESC, "group"
{{settings}}
