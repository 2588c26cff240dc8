-- The faults of some traces with what overcame each, in time order.
-- reads: faults
-- used by: handspan runs show, GET /api/v1/runs/{id}
SELECT
    trace_id,
    span_id,
    run_id,
    agent,
    fault_id,
    fault_type,
    target,
    injected,
    severity,
    deadline_s,
    outcome,
    recovered_by,
    strategy,
    recovery_attempts,
    recovery_ns,
    within_deadline,
    concat(replaceOne(toString(started_at), ' ', 'T'), 'Z') AS started
FROM faults FINAL
WHERE trace_id IN {traces:Array(String)}
  AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
ORDER BY started_at, trace_id, span_id
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1, optimize_move_to_prewhere_if_final = 1
