-- The spans that open a run, the opener above each ('': it opens a top run), and the run id each would have by
-- itself: its workflow id, else the trace id, which a second root and a nested workflow follow by their span id.
-- A workflow id equal to the trace id, or to that of an opener above (context hands it down), is not its own.
-- An opener whose parent is not stored is below the trace's only root, where there is exactly one.
CREATE TEMPORARY TABLE work_openers AS
SELECT
    trace_id, span_id, above, 0 AS implicit, start_ns, end_ns, is_open, is_lost, resumes,
    row_number() OVER (PARTITION BY trace_id, above = '' ORDER BY start_ns, span_id) AS place,
    multiIf(
        own_id != '', own_id,
        above = '' AND place = 1, trace_id,
        concat(trace_id, '-', span_id)) AS key
FROM
(
    SELECT
        trace_id, span_id, start_ns, end_ns, is_open, is_lost, workflow_id,
        if(empty(base.resumes), '', base.resumes[1]) AS resumes,
        countIf(parent_span_id = '') OVER (PARTITION BY trace_id) AS roots,
        anyIf(span_id, parent_span_id = '') OVER (PARTITION BY trace_id) AS root,
        anyIf(workflow_id, parent_span_id = '') OVER (PARTITION BY trace_id) AS root_workflow_id,
        roots = 1 AND opener_above = '' AND parent_span_id != '' AS below_root,
        if(below_root, root, opener_above) AS above,
        if(workflow_id = trace_id OR repeats_id
           OR (below_root AND workflow_id = root_workflow_id), '', workflow_id) AS own_id
    FROM work_base AS base
    LEFT JOIN work_tree AS tree USING (trace_id, span_id)
    WHERE opens
)
