-- When the newest fact ended; NULL when there is none.
-- reads: runs, agent_runs, llm_calls, handoffs
-- used by: handspan kpi, handspan runs list, GET /api/v1/health
-- What ended last ended after the last start, which the parts' metadata tell: the index on ended_at finds the rest.
SELECT concat(replaceOne(toString(max(newest)), ' ', 'T'), 'Z') AS newest
FROM
(
    SELECT maxOrNull(coalesce(ended_at, started_at)) AS newest FROM runs FINAL
    UNION ALL
    SELECT maxOrNull(ended_at) FROM agent_runs WHERE ended_at >= (SELECT max(started_at) FROM agent_runs)
    UNION ALL
    SELECT maxOrNull(ended_at) FROM llm_calls WHERE ended_at >= (SELECT max(started_at) FROM llm_calls)
    UNION ALL
    SELECT maxOrNull(ended_at) FROM handoffs WHERE ended_at >= (SELECT max(started_at) FROM handoffs)
)
