-- Have the processor compute the traces again; it counts from a moment that no processor has passed yet.
INSERT INTO trace_arrivals
SELECT fromUnixTimestamp64Nano({arrived_ns:Int64}, 'UTC'), trace_id, count(), max(is_root)
FROM
(
    SELECT trace_id, kind = 'workflow' OR parent_span_id = '' AS is_root FROM rebuilt
    UNION ALL
    SELECT arrayJoin({gone_trace_ids:Array(String)}), 0
)
GROUP BY trace_id
UNION ALL
-- What others' spans close is found by these.
SELECT fromUnixTimestamp64Nano({arrived_ns:Int64}, 'UTC'), trace_id, 0, 0
FROM reread
WHERE trace_id NOT IN (SELECT trace_id FROM rebuilt)
GROUP BY trace_id
