-- How many model calls began in each hour, or each second, of [from, until).
SELECT
    toInt64(intDiv(toUnixTimestamp64Nano(started_at), {unit_ns:Int64}) * {unit_ns:Int64}) AS from_ns,
    count() AS spans
FROM llm_calls FINAL
WHERE started_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
  AND started_at < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
GROUP BY from_ns
ORDER BY from_ns
