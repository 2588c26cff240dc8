-- Have the processor compute the traces again; it counts from a moment that no processor has passed yet.
INSERT INTO trace_arrivals
SELECT fromUnixTimestamp64Nano({arrived_ns:Int64}, 'UTC'), trace_id, count(), max(kind = 'workflow' OR parent_span_id = '')
FROM rebuilt
GROUP BY trace_id
