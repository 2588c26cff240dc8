-- The messages between agents in some traces, in time order; those by which control goes over are handoffs.
-- reads: messages
-- used by: handspan runs show, GET /api/v1/runs/{id}
SELECT
    trace_id,
    span_id,
    run_id,
    source,
    target,
    message_type,
    payload_bytes,
    concat(replaceOne(toString(ended_at), ' ', 'T'), 'Z') AS at
FROM messages FINAL
WHERE trace_id IN {traces:Array(String)}
  AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
ORDER BY ended_at, trace_id, span_id
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
