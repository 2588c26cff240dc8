-- What processor/tree.py needs of each span to find its place.
SELECT
    trace_id, span_id, parent_span_id, kind AS kind, opens, has_usage, is_call,
    start_ns, end_ns,
    status = 'Error' AND (is_call OR kind = 'tool') AS fails,
    workflow_id,
    CAST(workflow, 'String') AS workflow,
    CAST(if(kind = 'agent' AND agent = '', name, agent), 'String') AS agent,
    CAST(project, 'String') AS project,
    CAST(feature, 'String') AS feature,
    session_id, conversation_id, user_id
FROM work_base
UNION ALL
SELECT trace_id, span_id, parent_span_id, 'foreign', 0, 0, 0, 0, 0, 0, '', '', '', '', '', '', '', '' FROM work_foreign
