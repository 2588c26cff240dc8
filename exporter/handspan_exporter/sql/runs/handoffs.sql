-- The handoffs of some traces, in time order.
-- reads: handoffs
-- used by: handspan runs show, GET /api/v1/runs/{id}
SELECT
    trace_id,
    span_id,
    run_id,
    source,
    target,
    mode,
    target_type,
    reason,
    outcome,
    payload_bytes,
    target_trace_id,
    target_span_id,
    latency_ns,
    cost_usd,
    concat(replaceOne(toString(started_at), ' ', 'T'), 'Z') AS started
FROM handoffs FINAL
WHERE trace_id IN {traces:Array(String)}
  AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
ORDER BY started_at, trace_id, span_id
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1, optimize_move_to_prewhere_if_final = 1
