-- The raw spans that started in [from, until): what the mapping looks at.
SELECT {{columns}}
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
  AND Timestamp < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
