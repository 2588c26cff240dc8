-- Traces with an announced span that has not ended and is all of what was asked, newest first; as jaeger/search has those
-- that have ended. What has not ended is no error, and lasts until now.
-- reads: otel_logs, otel_traces
-- used by: the Jaeger reader
SELECT
    TraceId AS trace_id,
    toUnixTimestamp64Nano(min(Timestamp)) AS first_ns,
    {now_ns:Int64} AS last_ns
FROM otel_logs
WHERE EventName = {started:String}
  AND Timestamp >= fromUnixTimestamp64Nano({since_ns:Int64})
  AND Timestamp <= fromUnixTimestamp64Nano({until_ns:Int64})
  AND TraceId != ''
  AND (empty({service:String}) OR ServiceName = {service:String})
  AND (empty({operation:String}) OR Body = {operation:String})
  AND {now_ns:Int64} - toUnixTimestamp64Nano(Timestamp) BETWEEN {least_ns:UInt64} AND {most_ns:UInt64}
  AND {error:String} != 'true'
  AND arrayAll(
      (k, v) -> (mapContains(LogAttributes, k) AND LogAttributes[k] = v)
          OR (mapContains(ResourceAttributes, k) AND ResourceAttributes[k] = v),
      {keys:Array(String)},
      {values:Array(String)})
  AND (TraceId, SpanId) NOT IN
  (
      SELECT TraceId, SpanId
      FROM otel_traces
      WHERE Timestamp >= fromUnixTimestamp64Nano({since_ns:Int64})
        AND Timestamp <= fromUnixTimestamp64Nano({until_ns:Int64})
  )
GROUP BY TraceId
ORDER BY max(Timestamp) DESC, TraceId
LIMIT {limit:UInt32}
