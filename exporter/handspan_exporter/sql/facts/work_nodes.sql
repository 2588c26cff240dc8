-- What the walk down the trees needs of each span, and nothing else: the walk joins this once per level.
CREATE OR REPLACE TEMPORARY TABLE work_nodes AS
SELECT
    trace_id, span_id, parent_span_id, kind AS kind, opens, has_usage, is_call,
    workflow_id,
    toString(workflow) AS workflow,
    toString(if(kind = 'agent' AND agent = '', name, agent)) AS agent,
    toString(project) AS project,
    toString(feature) AS feature,
    session_id, conversation_id, user_id
FROM work_base
UNION ALL
SELECT trace_id, span_id, parent_span_id, '', 0, 0, 0, '', '', '', '', '', '', '', '' FROM work_foreign
