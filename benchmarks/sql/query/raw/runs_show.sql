-- All spans of a trace, asked of raw spans as who has only them asks.
SELECT Timestamp, SpanId, ParentSpanId, SpanName, Duration, StatusCode, SpanAttributes
FROM otel_traces
WHERE TraceId = {run:String}
ORDER BY Timestamp
