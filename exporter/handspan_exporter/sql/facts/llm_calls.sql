-- One row per call in work_calls. A container that is an agent is its own nearest agent run.
INSERT INTO new_llm_calls
    (trace_id, span_id, run_id, agent_run, container, coordination, service, project, workflow, agent, feature, session_id,
     conversation_id, user_id, provider, model, outcome, error_type, started_at, ended_at, duration_ns,
     time_to_first_token_s, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
     usage_partial, cost_usd, cost_source, price_version, unknown_reason)
SELECT
    s.trace_id, s.span_id, s.run_id, if(s.kind = 'agent', s.span_id, s.agent_run), NOT s.is_call, c.coordinates, s.service,
    s.project, s.workflow, s.agent, s.feature, s.session_id, s.conversation_id, s.user_id, s.provider, s.model,
    if(s.status = 'Error', 'failure', 'success'), s.error_type, s.started_at, fromUnixTimestamp64Nano(s.end_ns, 'UTC'),
    s.duration_ns, s.time_to_first_token_s, s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens,
    s.reasoning_tokens, s.usage_partial, c.call_cost_usd, c.call_cost_source, c.price_version, c.unknown_reason
FROM work_spans AS s
INNER JOIN work_calls AS c ON c.trace_id = s.trace_id AND c.span_id = s.span_id
