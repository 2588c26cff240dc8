-- The calls of models, priced: of calls nested in one another (two instrumentors saw the same request) the innermost
-- with usage; a call without usage only where none below it and none that counts above it is one. Any other span
-- (agent, workflow, chain, ...) stands for calls nobody recorded if it reports usage or cost and no span below does.
-- coordinates (kpis.md "Coordination"): in a plan or a handoff, or its next sibling in the agent run hands over, or its
-- agent's type says so.
CREATE TEMPORARY TABLE work_calls AS
WITH
    usage_below AS (SELECT trace_id, usage_above FROM work_spans WHERE has_usage AND usage_above != ''),
    call_below AS (SELECT trace_id, call_above FROM work_spans WHERE is_call AND call_above != ''),
    usage_call_below AS
    (
        SELECT trace_id, usage_call_above FROM work_spans WHERE is_call AND has_usage AND usage_call_above != ''
    ),
    coordinators AS
    (
        SELECT trace_id, span_id FROM work_spans WHERE kind = 'agent' AND agent_type IN ('orchestrator', 'router', 'planner')
    ),
    marked AS
    (
        SELECT trace_id, span_id, agent_run, kind, start_ns, end_ns, runs, status, model, is_call, has_usage, delegates,
            coordinated, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
            multiIf(
                is_call AND has_usage, (trace_id, span_id) NOT IN (usage_call_below),
                is_call,
                    (trace_id, span_id) NOT IN (call_below)
                    AND (usage_call_above = '' OR (trace_id, usage_call_above) IN (usage_call_below)),
                has_usage, (trace_id, span_id) NOT IN (usage_below),
                0) AS counts
        FROM work_spans
    ),
    followed AS
    (
        SELECT *, leadInFrame(kind = 'handoff' OR delegates) OVER (PARTITION BY trace_id, agent_run ORDER BY start_ns, span_id
                    ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_hands_over
        FROM marked
        WHERE counts
           OR kind NOT IN ('llm', 'embedding', 'workflow', 'task', 'chain', 'fault', 'recovery', 'rating', 'budget', 'metric', 'queued',
                        'session', 'decision', 'message')
    )
SELECT s.* EXCEPT (counts, next_hands_over, delegates, coordinated),
    coordinated
        OR (is_call AND next_hands_over)
        OR (trace_id, if(kind = 'agent', span_id, agent_run)) IN (coordinators) AS coordinates,
    c.cost_usd AS call_cost_usd, c.cost_source AS call_cost_source, c.price_version AS price_version,
    c.unknown_reason AS unknown_reason
FROM followed AS s
LEFT JOIN work_costs AS c ON c.trace_id = s.trace_id AND c.span_id = s.span_id
WHERE counts
