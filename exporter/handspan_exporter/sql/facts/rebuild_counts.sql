-- How many raw spans started in each hour, or each second, of [from, until).
SELECT toInt64(intDiv(toUnixTimestamp64Nano(Timestamp), {unit_ns:Int64}) * {unit_ns:Int64}) AS from_ns, count() AS spans
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
  AND Timestamp < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
GROUP BY from_ns
ORDER BY from_ns
