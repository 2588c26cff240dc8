-- Note the hours that this tick's changes touch: where a fact now is, and where a run was before. KPIs place a fact by
-- its end (kpis.md); spans never move, so only runs have an old place.
INSERT INTO history_due (bucket, grain, revision, is_deleted)
WITH touched AS
(
    SELECT ifNull(ended_at, started_at) AS at FROM changed_runs
    UNION ALL SELECT ifNull(ended_at, started_at) FROM runs FINAL WHERE run_id IN (SELECT run_id FROM changed_runs)
    UNION ALL SELECT ended_at FROM changed_agent_runs
    UNION ALL SELECT ended_at FROM changed_llm_calls
    UNION ALL SELECT ended_at FROM changed_tool_calls
    UNION ALL SELECT ended_at FROM changed_handoffs
)
SELECT DISTINCT bucket, grain, {revision:UInt64}, 0
FROM
(
    SELECT 'hour' AS grain, toStartOfHour(at, 'UTC') AS bucket FROM touched
    UNION ALL
    SELECT 'day', toDateTime(toStartOfDay(at, 'UTC'), 'UTC') FROM touched
)
