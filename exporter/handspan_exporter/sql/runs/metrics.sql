-- The numbers that users recorded in some traces, in time order.
-- reads: run_metrics
-- used by: handspan export, GET /api/v1/runs/{id}
SELECT
    trace_id,
    span_id,
    run_id,
    agent,
    metric,
    value,
    concat(replaceOne(toString(ended_at), ' ', 'T'), 'Z') AS at
FROM run_metrics FINAL
WHERE trace_id IN {traces:Array(String)}
  AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
ORDER BY ended_at, trace_id, span_id
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1, optimize_move_to_prewhere_if_final = 1
