-- kpi: share of the critical path of runs by agent, tool, handoff edge and wait for a person: what the
--   end of the run waited for
-- grain: one row per step; also per part
-- unit: ratio, 0..1
-- undefined when: no run has a critical path
-- groupings kept in history: step, workflow
-- reads: critical_paths, runs
-- used by: handspan kpi, GET /api/v1/kpis/bottlenecks, kpi_history
WITH
{{dimensions_facts}},
    concat(part, ' ', name) AS step,
    (
        -- Whether no two runs of the window share a hash of 64 bits. A row overlaps its run in time, so that these are all.
        SELECT arrayUniq(groupArray(cityHash64(run_id))) = arrayUniq(groupArray(run_id))
        FROM runs
        WHERE {by:String} != 'total'
          AND started_at < {until:DateTime64(9, 'UTC')}
          AND ifNull(ended_at, {until:DateTime64(9, 'UTC')}) >= {{earliest_critical_paths}}
    ) AS hashes_differ,
    -- Counted in place of ids: sets of those miss every cache. Where two do share one, another hash tells them apart.
    multiIf({by:String} = 'total', 0, assumeNotNull(hashes_differ), cityHash64(run_id), sipHash64(run_id)) AS run_hash
SELECT
    toString({by:Identifier}) AS "group",
    sum(critical_ns) / nullIf(sum(sum(critical_ns)) OVER (), 0) AS share,
    nullIf(sum(critical_ns), 0) / 1e9 AS critical_s,
    count() AS spans,
    -- Rows of a run follow each other. Dozens of steps with a list each, made a set one by one, take a third less than
    -- dozens of sets at once; few large groups take less memory as sets. One set of ids is as quick as one of hashes, but not
    -- with If.
    multiIf(
        {by:String} = 'total', uniqExact(if({by:String} = 'total', run_id, '')),
        {by:String} = 'step', arrayUniq(arrayCompact(groupArrayIf(run_hash, {by:String} = 'step'))),
        uniqExactIf(run_hash, {by:String} NOT IN ('total', 'step'))
    ) AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no critical path in the window') AS reason
FROM critical_paths FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_critical_paths}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND run_id != ''
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY critical_s DESC NULLS LAST, "group"
{{settings}}
