-- Which agent hands over to which, as if agents were services: Jaeger's other view of dependencies.
-- reads: handoffs
-- used by: the Jaeger reader
SELECT
    source AS parent,
    target AS child,
    count() AS calls
FROM handoffs FINAL
WHERE started_at >= fromUnixTimestamp64Nano({since_ns:Int64})
  AND started_at <= fromUnixTimestamp64Nano({until_ns:Int64})
  AND source != ''
  AND target != ''
GROUP BY parent, child
ORDER BY parent, child
LIMIT {limit:UInt32}
