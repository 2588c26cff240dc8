-- One run by its id, or those whose ids begin so: the exact one first.
-- reads: runs
-- used by: handspan runs show, GET /api/v1/runs/{id}
SELECT
    run_id,
    parent_run_id,
    root_trace_id,
    root_span_id,
    trace_ids,
    implicit,
    service,
    project,
    workflow,
    feature,
    session_id,
    conversation_id,
    user_id,
    plan,
    agents,
    path,
    outcome,
    error_type,
    status_message,
    concat(replaceOne(toString(started_at), ' ', 'T'), 'Z') AS started,
    concat(replaceOne(toString(ended_at), ' ', 'T'), 'Z') AS ended,
    duration_ns,
    estimated_s,
    spans_seen,
    agent_runs,
    handoffs,
    llm_calls,
    tool_calls,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cache_write_tokens,
    reasoning_tokens,
    cost_usd,
    priced_calls,
    unpriced_calls
FROM runs FINAL
WHERE startsWith(run_id, {run:String})
ORDER BY run_id = {run:String} DESC, run_id
LIMIT 4
