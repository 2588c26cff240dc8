-- One row per agent span that has ended. agent_time_ns = its span minus the union of the child agent runs and human waits in it;
-- coordination_ns = what plans, handoffs and coordinating calls cover of that.
INSERT INTO new_agent_runs
    (trace_id, span_id, run_id, parent_agent_run, service, project, workflow, agent, feature, session_id,
     conversation_id, user_id, agent_type, agent_version, task_id, task_type, task_domain, attempt, outcome, error_type,
     started_at, ended_at, duration_ns, agent_time_ns, coordination_ns, llm_calls, tool_calls, input_tokens, output_tokens, cost_usd,
     priced_calls, unpriced_calls)
WITH
    inside AS
    (
        SELECT a.trace_id AS trace_id, a.span_id AS span_id,
            intervalLengthSumIf(greatest(c.start_ns, a.start_ns), least(c.end_ns, a.end_ns), c.away) AS away_ns,
            intervalLengthSum(greatest(c.start_ns, a.start_ns), least(c.end_ns, a.end_ns)) AS covered_ns
        FROM
        (
            SELECT trace_id, agent_run, start_ns, end_ns, kind IN ('agent', 'human') AS away
            FROM work_spans
            WHERE kind IN ('agent', 'human', 'plan', 'handoff')
            UNION ALL
            SELECT trace_id, agent_run, start_ns, end_ns, 0 FROM work_calls WHERE is_call AND coordinates
        ) AS c
        INNER JOIN work_spans AS a ON a.trace_id = c.trace_id AND a.span_id = c.agent_run
        WHERE c.start_ns < a.end_ns AND c.end_ns > a.start_ns
        GROUP BY trace_id, span_id
    ),
    calls AS
    (
        SELECT trace_id, if(kind = 'agent', span_id, agent_run) AS of_agent,
            count() AS calls,
            sumOrNull(input_tokens) AS input, sumOrNull(output_tokens) AS output,
            sumOrNull(call_cost_usd) AS cost,
            count(call_cost_usd) AS priced,
            countIf(call_cost_usd IS NULL AND (has_usage OR model != '')) AS unpriced
        FROM work_calls
        GROUP BY trace_id, of_agent
    ),
    tools AS (SELECT trace_id, agent_run AS of_agent, count() AS tools FROM work_spans WHERE kind = 'tool' GROUP BY trace_id, of_agent)
SELECT
    s.trace_id, s.span_id, s.run_id, s.agent_run, s.service, s.project, s.workflow, s.agent, s.feature, s.session_id,
    s.conversation_id, s.user_id, s.agent_type, s.agent_version, s.task_id, s.task_type, s.task_domain, s.attempt,
    if(s.status = 'Error', 'failure', 'success'), s.error_type,
    s.started_at, fromUnixTimestamp64Nano(s.end_ns, 'UTC'), s.duration_ns,
    s.duration_ns - toUInt64(inside.away_ns), toUInt64(inside.covered_ns - inside.away_ns),
    calls.calls, tools.tools, calls.input, calls.output, calls.cost, calls.priced, calls.unpriced
FROM work_spans AS s
LEFT JOIN inside ON inside.trace_id = s.trace_id AND inside.span_id = s.span_id
LEFT JOIN calls ON calls.trace_id = s.trace_id AND calls.of_agent = s.span_id
LEFT JOIN tools ON tools.trace_id = s.trace_id AND tools.of_agent = s.span_id
WHERE s.kind = 'agent' AND NOT s.is_open
