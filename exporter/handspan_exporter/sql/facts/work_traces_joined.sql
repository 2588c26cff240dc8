-- Add the traces that share a run with one in work_traces: by an id that both name, or by a link that resumes or
-- rates.
-- Repeated by the caller until none is added, so that a run is always recomputed whole.
INSERT INTO work_traces
WITH ids AS
(
    SELECT trace_id AS id FROM work_traces
    UNION DISTINCT
    SELECT workflow_id FROM work_base WHERE workflow_id != ''
    UNION DISTINCT
    SELECT arrayJoin(names) FROM work_base
    UNION DISTINCT
    SELECT run_id FROM run_traces WHERE trace_id IN (SELECT trace_id FROM work_traces)
)
SELECT DISTINCT trace_id
FROM
(
    SELECT trace_id FROM run_traces FINAL WHERE run_id IN (SELECT id FROM ids)
    UNION ALL
    SELECT arrayJoin(names) FROM work_base
)
WHERE trace_id NOT IN (SELECT trace_id FROM work_traces)
