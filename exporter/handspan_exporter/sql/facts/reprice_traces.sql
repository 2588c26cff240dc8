-- How many traces have calls since a moment.
SELECT uniqExact(trace_id) AS traces
FROM llm_calls FINAL
WHERE started_at >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
