-- Have the processor compute traces with calls in [from, until) again; it counts from a moment that none has passed yet.
INSERT INTO trace_arrivals
SELECT fromUnixTimestamp64Nano({arrived_ns:Int64}, 'UTC'), trace_id, count(), 0
FROM llm_calls FINAL
WHERE started_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
  AND started_at < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
GROUP BY trace_id
