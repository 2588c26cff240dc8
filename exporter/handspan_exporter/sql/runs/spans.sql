-- The agent spans of some traces, with what the facts say of them: who they belong to, tokens and cost.
-- An agent's tokens and cost are those of its own calls. `owner` is the nearest agent run, for a span
-- whose parent is no agent work and so is not here. A span that has begun and not ended has no duration; its outcome
-- is given.
-- reads: agent_spans, open_spans, agent_runs, llm_calls, tool_calls, handoffs
-- used by: handspan runs show, GET /api/v1/runs/{id}
SELECT
    s.trace_id AS trace_id,
    s.span_id AS span_id,
    s.parent_span_id AS parent_span_id,
    fact.owner AS owner,
    s.kind AS kind,
    s.name AS name,
    s.service AS service,
    s.workflow AS workflow,
    s.agent AS agent,
    s.tool AS tool,
    s.model AS model,
    concat(replaceOne(toString(s.started_at), ' ', 'T'), 'Z') AS started,
    if(s.is_open, NULL, s.duration_ns) AS duration_ns,
    s.status AS status,
    s.error_type AS error_type,
    s.status_message AS status_message,
    if(s.is_open, {open_outcome:String}, fact.outcome) AS outcome,
    fact.input_tokens AS input_tokens,
    fact.output_tokens AS output_tokens,
    fact.cost_usd AS cost_usd,
    fact.unknown_reason AS cost_unknown_reason
FROM
(
    SELECT *, 0 AS is_open FROM agent_spans FINAL
    WHERE trace_id IN {traces:Array(String)} AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
    UNION ALL
    SELECT * EXCEPT instance, 1 FROM open_spans FINAL
    WHERE trace_id IN {traces:Array(String)}
      AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
      AND (trace_id, span_id) NOT IN
      (
          SELECT trace_id, span_id FROM agent_spans
          WHERE trace_id IN {traces:Array(String)} AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
      )
) AS s
LEFT JOIN
(
    SELECT
        trace_id, span_id, parent_agent_run AS owner, toString(outcome) AS outcome, input_tokens,
        output_tokens, cost_usd,
        if(unpriced_calls > 0, concat(toString(unpriced_calls), ' unpriced'), '') AS unknown_reason
    FROM agent_runs FINAL
    WHERE trace_id IN {traces:Array(String)} AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
    UNION ALL
    SELECT
        trace_id, span_id, agent_run, toString(outcome), input_tokens, output_tokens, cost_usd,
        toString(unknown_reason)
    FROM llm_calls FINAL
    WHERE trace_id IN {traces:Array(String)} AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date} AND NOT container
    UNION ALL
    SELECT trace_id, span_id, agent_run, toString(outcome), NULL, NULL, NULL, ''
    FROM tool_calls FINAL
    WHERE trace_id IN {traces:Array(String)} AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
    UNION ALL
    SELECT trace_id, span_id, '', toString(outcome), NULL, NULL, NULL, ''
    FROM handoffs FINAL
    WHERE trace_id IN {traces:Array(String)} AND toDate(started_at) BETWEEN {first_day:Date} AND {last_day:Date}
) AS fact ON s.trace_id = fact.trace_id AND s.span_id = fact.span_id
ORDER BY s.started_at, s.trace_id, s.span_id
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1, optimize_move_to_prewhere_if_final = 1
