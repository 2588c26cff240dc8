-- The path of each run (kpis.md "workflow_patterns"). The agent runs of one parent are swept by start: one that starts
-- before all earlier ones have ended joins their step, any other opens a new step; so an agent never overlaps with its
-- own ancestors. A step is its agents' distinct names, sorted, joined with ' + '. All steps of the run are ordered by
-- start, equal neighbours are collapsed, the first 32 are kept.
CREATE TEMPORARY TABLE work_paths AS
WITH
    agents AS
    (
        SELECT arrayJoin(runs) AS run, if(agent_run = '', '', concat(trace_id, agent_run)) AS parent,
            agent, start_ns, end_ns, is_open, depth, trace_id, span_id
        FROM work_spans
        WHERE kind = 'agent' AND notEmpty(runs)
    ),
    swept AS
    (
        SELECT *,
            start_ns >= max(if(is_open, 9223372036854775807, end_ns)) OVER (PARTITION BY run, parent ORDER BY start_ns, trace_id, span_id
                                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS opens_step
        FROM agents
    ),
    numbered AS
    (
        SELECT *, sum(opens_step) OVER (PARTITION BY run, parent ORDER BY start_ns, trace_id, span_id
                                        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS step
        FROM swept
    ),
    steps AS
    (
        SELECT run, parent, min(start_ns) AS at, min(depth) AS depth,
            arrayStringConcat(arraySort(groupUniqArray(agent)), ' + ') AS names
        FROM numbered
        GROUP BY run, parent, step
    )
SELECT
    run AS run_id,
    arrayStringConcat(
        arraySlice(arrayCompact(arrayMap(s -> s.4, arraySort(groupArray((at, depth, parent, names))))), 1, 32),
        ' > ') AS path
FROM steps
GROUP BY run
