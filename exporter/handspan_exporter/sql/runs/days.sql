-- On which days the first and the last of all spans of some traces began, ended or not; NULL when none is kept any more.
-- Asked before all else: it reads two columns of each day where others read up to eighty.
-- reads: agent_spans, open_spans
-- used by: handspan runs show, GET /api/v1/runs/{id}
SELECT
    toDate(minOrNull(started_at)) AS first_day,
    toDate(maxOrNull(started_at)) AS last_day
FROM
(
    SELECT started_at FROM agent_spans WHERE trace_id IN {traces:Array(String)}
    UNION ALL
    SELECT started_at FROM open_spans WHERE trace_id IN {traces:Array(String)}
)
