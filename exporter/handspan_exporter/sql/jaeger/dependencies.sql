-- Which service calls which: spans whose parent is in the window too, counted by both services. A span that was delivered
-- twice counts once. Ids are hashed to 64 bits: the parents of a day must fit into memory.
-- ANY INNER JOIN would take one child of each parent.
-- reads: otel_traces
-- used by: the Jaeger reader
SELECT
    p.service AS parent,
    c.service AS child,
    uniqExact(c.span) AS calls
FROM
(
    SELECT
        sipHash64(TraceId, ParentSpanId) AS parent_span,
        sipHash64(TraceId, SpanId) AS span,
        ServiceName AS service
    FROM otel_traces
    WHERE Timestamp >= fromUnixTimestamp64Nano({since_ns:Int64})
      AND Timestamp <= fromUnixTimestamp64Nano({until_ns:Int64})
      AND ParentSpanId != ''
) AS c
ANY LEFT JOIN
(
    SELECT
        sipHash64(TraceId, SpanId) AS span,
        ServiceName AS service
    FROM otel_traces
    WHERE Timestamp >= fromUnixTimestamp64Nano({since_ns:Int64})
      AND Timestamp <= fromUnixTimestamp64Nano({until_ns:Int64})
) AS p ON c.parent_span = p.span
WHERE p.span != 0
GROUP BY parent, child
ORDER BY parent, child
LIMIT {limit:UInt32}
