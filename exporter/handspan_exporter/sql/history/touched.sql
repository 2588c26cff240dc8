-- Note the hours that this tick's changes touch: where a fact now is, and where a run was before. KPIs place a fact by
-- its end (kpis.md); spans never move, so only runs have an old place.
INSERT INTO history_due (bucket, grain, revision, is_deleted)
WITH touched AS
(
    SELECT ifNull(ended_at, started_at) AS at FROM {{runs}}
    UNION ALL SELECT ifNull(ended_at, started_at) FROM runs FINAL WHERE run_id IN (SELECT run_id FROM {{runs}})
    -- An agent's time counts in every hour that it works in; more than a month of them is not kept up.
    UNION ALL SELECT arrayJoin(arrayMap(hour -> least(ended_at, started_at + toIntervalHour(hour)),
        range(toUInt64(least(744, 2 + intDiv(duration_ns, 3600000000000)))))) FROM {{agent_runs}}
{{changed}}
)
SELECT DISTINCT bucket, grain, {revision:UInt64}, 0
FROM
(
    SELECT 'hour' AS grain, toStartOfHour(at, 'UTC') AS bucket FROM touched
    UNION ALL
    SELECT 'day', toDateTime(toStartOfDay(at, 'UTC'), 'UTC') FROM touched
)
