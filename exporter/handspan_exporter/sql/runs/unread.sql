-- Of the newest spans: what each instrumentation scope says that the mapping does not read, by name, numbers in it as N.
-- Names only, never values. Read by query/unread.py.
WITH newest AS
(
    SELECT TraceId, SpanId, ScopeName, SpanAttributes
    FROM otel_traces
    WHERE Timestamp >= {since:DateTime64(9, 'UTC')}
    ORDER BY Timestamp DESC
    LIMIT {most:UInt64}
)
SELECT
    spans.ScopeName AS scope,
    arraySort(groupUniqArrayIf(toString(work.convention), work.convention != '')) AS conventions,
    uniqExact(spans.TraceId, spans.SpanId) AS spans_seen,
    uniqExactIf((spans.TraceId, spans.SpanId), work.convention != '') AS spans_read,
    sumMap(arrayMap(key -> replaceRegexpAll(key, '[0-9]+', 'N'), unread), arrayMap(key -> 1, unread)) AS names
FROM
(
    SELECT
        *,
        arrayFilter(
            key -> NOT has({known:Array(String)}, key) AND NOT arrayExists(begin -> startsWith(key, begin), {free:Array(String)}),
            mapKeys(SpanAttributes)) AS unread
    FROM newest
) AS spans
LEFT JOIN
(
    SELECT trace_id, span_id, any(convention) AS convention
    FROM agent_spans
    WHERE trace_id IN (SELECT TraceId FROM newest)
    GROUP BY trace_id, span_id
) AS work ON work.trace_id = spans.TraceId AND work.span_id = spans.SpanId
GROUP BY scope
ORDER BY spans_seen DESC, scope
