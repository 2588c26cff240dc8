-- The openers with the run each opens: a top opener with a link that resumes opens none of its own but continues
-- the first run of the trace that the link names, which may itself continue another (32 at most: links can lie).
CREATE TEMPORARY TABLE work_opened AS
WITH RECURSIVE
    firsts AS
    (
        SELECT
            trace_id,
            argMin(key, (start_ns, span_id)) AS first_key,
            argMin(resumes, (start_ns, span_id)) AS first_resumes
        FROM work_openers
        WHERE above = ''
        GROUP BY trace_id
    ),
    chase AS
    (
        SELECT trace_id, span_id, key AS run_id, if(above = '', resumes, '') AS target, 0 AS step
        FROM work_openers
        UNION ALL
        SELECT
            c.trace_id, c.span_id,
            if(f.first_key = '', c.target, f.first_key),
            f.first_resumes,
            c.step + 1
        FROM chase AS c
        LEFT JOIN firsts AS f ON f.trace_id = c.target
        WHERE c.target != '' AND c.step < 32
    )
SELECT trace_id, span_id, above, implicit, start_ns, end_ns, is_open, is_lost, final.run_id AS run_id
FROM work_openers
INNER JOIN
(
    SELECT trace_id, span_id, argMax(run_id, step) AS run_id FROM chase GROUP BY trace_id, span_id
) AS final USING (trace_id, span_id)
