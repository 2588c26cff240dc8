-- The raw spans that started in [from, until).
SELECT *
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
  AND Timestamp < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
