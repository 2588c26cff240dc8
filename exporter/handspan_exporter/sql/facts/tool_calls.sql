-- One row per tool span; delegation = an agent runs below it, at any depth.
INSERT INTO new_tool_calls
    (trace_id, span_id, run_id, agent_run, service, project, workflow, agent, feature, session_id, conversation_id,
     user_id, tool, delegation, outcome, error_type, started_at, ended_at, duration_ns)
SELECT
    trace_id, span_id, run_id, agent_run, service, project, workflow, agent, feature, session_id, conversation_id,
    user_id, if(tool = '', name, tool), delegates,
    if(status = 'Error', 'failure', 'success'), error_type,
    started_at, fromUnixTimestamp64Nano(end_ns, 'UTC'), duration_ns
FROM work_spans
WHERE kind = 'tool'
