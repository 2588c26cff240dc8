-- Traces with a gap for which a span of others came in [from, until): it may be what was missing.
SELECT DISTINCT trace_id
FROM trace_gaps
WHERE trace_id IN
(
    SELECT trace_id
    FROM trace_arrivals
    WHERE spans = 0
      AND arrived_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
      AND arrived_at < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
)
ORDER BY trace_id
