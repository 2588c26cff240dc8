-- The runs: `runs` lists a run, the run that holds it, and so on up to the top run. The dimensions are those of the
-- run's first opener; spans that say none themselves take them (a trace joined by its workflow id has no root).
CREATE TEMPORARY TABLE work_runs AS
WITH RECURSIVE
    edges AS
    (
        SELECT o.run_id AS run_id, max(if(p.run_id = o.run_id, '', p.run_id)) AS parent
        FROM work_opened AS o
        LEFT JOIN work_opened AS p ON p.trace_id = o.trace_id AND p.span_id = o.above
        GROUP BY o.run_id
    ),
    chain AS
    (
        SELECT run_id, parent, [run_id] AS runs FROM edges
        UNION ALL
        SELECT c.run_id, e.parent, arrayPushBack(c.runs, e.run_id)
        FROM chain AS c
        INNER JOIN edges AS e ON e.run_id = c.parent
        WHERE NOT has(c.runs, e.run_id)
    )
SELECT run_id, runs, runs[-1] IN (SELECT run_id FROM work_opened WHERE is_open) AS run_open, first.1 AS workflow, first.2 AS project, first.3 AS feature, first.4 AS session_id,
    first.5 AS conversation_id, first.6 AS user_id
FROM (SELECT run_id, argMax(runs, length(runs)) AS runs FROM chain GROUP BY run_id) AS lines
INNER JOIN
(
    SELECT
        run_id,
        argMin((workflow_at, project_at, feature_at, session_id_at, conversation_id_at, user_id_at),
               (start_ns, span_id)) AS first
    FROM work_opened AS o
    LEFT JOIN work_tree AS t USING (trace_id, span_id)
    GROUP BY run_id
) AS openers USING (run_id)
