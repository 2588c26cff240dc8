-- All spans of some traces, one row each although a client's retry may have stored it twice; traces follow each other,
-- in them what has one resource and scope. Times as whole ns: Jaeger shows them all.
-- Not compared as DateTime: engine 26.9 finds nothing before a DateTime one second after midnight.
-- reads: otel_traces, otel_traces_trace_id_ts
-- used by: the Jaeger reader
WITH
    (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId IN {traces:Array(String)}) AS earliest,
    (SELECT max(End) + INTERVAL 1 SECOND FROM otel_traces_trace_id_ts WHERE TraceId IN {traces:Array(String)}) AS latest
SELECT
    TraceId,
    SpanId,
    ParentSpanId,
    TraceState,
    SpanName,
    SpanKind,
    ResourceAttributes,
    ScopeName,
    ScopeVersion,
    SpanAttributes,
    toUnixTimestamp64Nano(Timestamp) AS start_ns,
    Duration,
    StatusCode,
    StatusMessage,
    arrayMap(moment -> toUnixTimestamp64Nano(moment), Events.Timestamp) AS event_ns,
    Events.Name,
    Events.Attributes,
    Links.TraceId,
    Links.SpanId,
    Links.TraceState,
    Links.Attributes,
    cityHash64(mapKeys(ResourceAttributes), mapValues(ResourceAttributes), ScopeName, ScopeVersion) AS owner
FROM otel_traces
WHERE TraceId IN {traces:Array(String)}
  AND Timestamp >= toDateTime64(earliest, 9)
  AND Timestamp < toDateTime64(latest, 9)
ORDER BY TraceId, owner, Timestamp
LIMIT 1 BY TraceId, SpanId
LIMIT {limit:UInt32}
