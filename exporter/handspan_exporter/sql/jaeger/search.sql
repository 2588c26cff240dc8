-- Traces with a span that is all of what was asked, newest first. An attribute may be the span's, its resource's or
-- an event's; `error` is asked as a status.
-- reads: otel_traces
-- used by: the Jaeger reader
SELECT
    TraceId AS trace_id,
    toUnixTimestamp64Nano(min(Timestamp)) AS first_ns,
    max(toUnixTimestamp64Nano(Timestamp) + Duration) AS last_ns
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({since_ns:Int64})
  AND Timestamp <= fromUnixTimestamp64Nano({until_ns:Int64})
  AND TraceId != ''
  AND (empty({service:String}) OR ServiceName = {service:String})
  AND (empty({operation:String}) OR SpanName = {operation:String})
  AND Duration >= {least_ns:UInt64}
  AND Duration <= {most_ns:UInt64}
  AND (empty({error:String}) OR (StatusCode = 'Error') = ({error:String} = 'true'))
  AND arrayAll(
      (k, v) -> (mapContains(SpanAttributes, k) AND SpanAttributes[k] = v)
          OR (mapContains(ResourceAttributes, k) AND ResourceAttributes[k] = v)
          OR arrayExists(m -> mapContains(m, k) AND m[k] = v, Events.Attributes),
      {keys:Array(String)},
      {values:Array(String)})
GROUP BY TraceId
ORDER BY max(Timestamp) DESC, TraceId
LIMIT {limit:UInt32}
