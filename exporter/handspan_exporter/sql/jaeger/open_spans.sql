-- Spans of some traces that were announced and have not ended, as jaeger/spans has those that have: they last until now.
-- reads: otel_logs, otel_traces
-- used by: the Jaeger reader
SELECT
    TraceId,
    SpanId,
    LogAttributes[{parent:String}] AS ParentSpanId,
    '' AS TraceState,
    Body AS SpanName,
    'Internal' AS SpanKind,
    ResourceAttributes,
    ScopeName,
    CAST(ScopeVersion, 'String') AS ScopeVersion,
    mapFilter((k, v) -> k != {parent:String}, LogAttributes) AS SpanAttributes,
    toUnixTimestamp64Nano(Timestamp) AS start_ns,
    toUInt64(greatest({now_ns:Int64} - start_ns, 0)) AS Duration,
    '' AS StatusCode,
    'has not ended' AS StatusMessage,
    CAST([], 'Array(Int64)') AS event_ns,
    CAST([], 'Array(String)') AS `Events.Name`,
    CAST([], 'Array(Map(String, String))') AS `Events.Attributes`,
    CAST([], 'Array(String)') AS `Links.TraceId`,
    CAST([], 'Array(String)') AS `Links.SpanId`,
    CAST([], 'Array(String)') AS `Links.TraceState`,
    CAST([], 'Array(Map(String, String))') AS `Links.Attributes`,
    cityHash64(mapKeys(ResourceAttributes), mapValues(ResourceAttributes), ScopeName, ScopeVersion) AS owner
FROM otel_logs
WHERE TraceId IN {traces:Array(String)}
  AND EventName = {started:String}
  AND Timestamp >= fromUnixTimestamp64Nano({since_ns:Int64})
  AND (TraceId, SpanId) NOT IN
  (
      SELECT TraceId, SpanId
      FROM otel_traces
      WHERE TraceId IN {traces:Array(String)} AND Timestamp >= fromUnixTimestamp64Nano({since_ns:Int64})
  )
LIMIT 1 BY TraceId, SpanId
LIMIT {limit:UInt32}
