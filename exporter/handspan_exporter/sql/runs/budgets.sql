-- What budgets said in some traces, in time order: the last word of each pot is its state.
-- reads: budget_events
-- used by: handspan runs show, GET /api/v1/runs/{id}
SELECT
    trace_id,
    span_id,
    run_id,
    budget,
    scope,
    pot,
    limit_usd,
    used_usd,
    state
FROM budget_events FINAL
WHERE trace_id IN {traces:Array(String)}
  AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
ORDER BY ended_at, span_id
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1, optimize_move_to_prewhere_if_final = 1
