-- The run ids that each trace names: those it is part of, and those by which it may yet be joined with another.
INSERT INTO new_run_traces (run_id, trace_id)
SELECT DISTINCT id, trace_id
FROM
(
    SELECT arrayJoin(runs) AS id, trace_id FROM work_spans
    UNION ALL
    SELECT workflow_id, trace_id FROM work_base WHERE workflow_id != ''
    UNION ALL
    SELECT arrayJoin(names), trace_id FROM work_base
)
