-- One row per call in work_calls. A container that is an agent is its own nearest agent run.
INSERT INTO new_llm_calls
    (trace_id, span_id, run_id, agent_run, container, service, project, workflow, agent, feature, session_id,
     conversation_id, user_id, provider, model, outcome, error_type, started_at, ended_at, duration_ns,
     time_to_first_token_s, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
     usage_partial, cost_usd, cost_source, price_version, unknown_reason)
SELECT
    trace_id, span_id, run_id, if(kind = 'agent', span_id, agent_run), NOT is_call, service, project, workflow, agent,
    feature, session_id, conversation_id, user_id, provider, model, if(status = 'Error', 'failure', 'success'),
    error_type, started_at, fromUnixTimestamp64Nano(end_ns, 'UTC'), duration_ns,
    time_to_first_token_s, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
    usage_partial, call_cost_usd, call_cost_source, price_version, unknown_reason
FROM work_calls
