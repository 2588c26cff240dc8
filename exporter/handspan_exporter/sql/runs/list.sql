-- The newest top runs first; unfinished ones are in every window that has not ended before they began.
-- reads: runs
-- used by: handspan runs list, GET /api/v1/runs
SELECT
    run_id,
    workflow,
    outcome,
    service,
    agents,
    path,
    concat(replaceOne(toString(started_at), ' ', 'T'), 'Z') AS started,
    concat(replaceOne(toString(ended_at), ' ', 'T'), 'Z') AS ended,
    duration_ns,
    agent_runs,
    handoffs,
    llm_calls,
    tool_calls,
    input_tokens,
    output_tokens,
    cost_usd,
    priced_calls,
    unpriced_calls,
    error_type,
    status_message
FROM runs FINAL
WHERE parent_run_id = ''
  AND (coalesce(ended_at, started_at) >= {since:DateTime64(9, 'UTC')} OR outcome = 'running')
  AND coalesce(ended_at, started_at) < {until:DateTime64(9, 'UTC')}
  AND (empty({status:Array(String)}) OR outcome IN {status:Array(String)})
  AND
{{filters_runs}}
ORDER BY started_at DESC, run_id
LIMIT {limit:UInt32}
