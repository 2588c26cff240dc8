-- The waits for people in some traces, in time order.
-- reads: human_waits
-- used by: handspan runs show, GET /api/v1/runs/{id}
SELECT
    trace_id,
    span_id,
    run_id,
    agent,
    reason,
    priority,
    decision,
    state,
    if(state = 'ended', w.duration_ns, NULL) AS duration_ns,
    concat(replaceOne(toString(started_at), ' ', 'T'), 'Z') AS started
FROM human_waits AS w FINAL
WHERE trace_id IN {traces:Array(String)}
  AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
ORDER BY w.started_at, trace_id, span_id
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1, optimize_move_to_prewhere_if_final = 1
