-- The hours that have raw spans, and how many.
SELECT toUnixTimestamp(toStartOfHour(Timestamp, 'UTC')) AS hour_s, count() AS spans
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
GROUP BY hour_s
ORDER BY hour_s
