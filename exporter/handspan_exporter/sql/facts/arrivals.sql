-- What agent work arrived in [from, until): one row per trace. At most so many arrivals, and then all of the same
-- moment: who reads on from the last moment misses none.
SELECT
    trace_id,
    toUnixTimestamp64Nano(min(arrived_at)) AS first_ns,
    toUnixTimestamp64Nano(max(arrived_at)) AS last_ns,
    sum(spans) AS spans,
    max(has_root) AS has_root,
    count() AS arrivals
FROM
(
    SELECT *
    FROM trace_arrivals
    WHERE arrived_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
      AND arrived_at < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
      AND trace_arrivals.spans > 0
    ORDER BY arrived_at
    LIMIT {most:UInt64} WITH TIES
)
GROUP BY trace_id
ORDER BY first_ns, trace_id
