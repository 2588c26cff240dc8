    trace_id, span_id, run_id, agent_run, service, project, workflow, agent, feature, session_id, conversation_id, user_id
