-- Spans of agent work per interval, by the convention they were written in.
SELECT $__timeInterval(started_at) AS time, convention, count() AS "Value"
FROM agent_spans FINAL
WHERE $__timeFilter(started_at)
GROUP BY time, convention
ORDER BY time
