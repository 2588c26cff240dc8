-- The agent runs of some traces: what each agent of a run did and cost.
-- reads: agent_runs
-- used by: handspan runs show, handspan runs compare, GET /api/v1/runs/{id}
SELECT
    trace_id,
    span_id,
    run_id,
    agent,
    agent_version,
    outcome,
    duration_ns,
    agent_time_ns,
    llm_calls,
    tool_calls,
    input_tokens,
    output_tokens,
    cost_usd,
    unpriced_calls
FROM agent_runs FINAL
WHERE trace_id IN {traces:Array(String)}
  AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
ORDER BY started_at, trace_id, span_id
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1, optimize_move_to_prewhere_if_final = 1
