-- One row per handoff span, with the span it started in work_handoffs. An explicit outcome wins; unmatched is pending
-- until the run has ended, then lost, or unknown where nobody said the target.
INSERT INTO new_handoffs
    (trace_id, span_id, run_id, service, project, workflow, agent, feature, session_id, conversation_id, user_id, source,
     target, mode, target_type, reason, artifacts, payload_bytes, outcome, ping_pong, target_trace_id, target_span_id, latency_ns,
     cost_usd, started_at, ended_at, duration_ns)
WITH behind AS
(
    SELECT trace_id, if(kind = 'agent', span_id, agent_run) AS of_agent, sumOrNull(call_cost_usd) AS cost
    FROM work_calls
    GROUP BY trace_id, of_agent
),
nexts AS
(
    SELECT trace_id, span_id,
        leadInFrame(edge.1) OVER w AS next_source,
        leadInFrame(edge.2) OVER w AS next_target
    FROM
    (
        SELECT trace_id, span_id, start_ns, if(run_id = '', trace_id, run_id) AS scope,
            (if(handoff_source = '', agent, toString(handoff_source)), toString(handoff_target)) AS edge
        FROM work_spans
        WHERE kind = 'handoff' AND NOT is_open
    )
    WINDOW w AS (PARTITION BY scope ORDER BY start_ns, trace_id, span_id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
)
SELECT
    s.trace_id, s.span_id, s.run_id, s.service, s.project, s.workflow,
    if(s.handoff_source = '', s.agent, toString(s.handoff_source)) AS source,
    s.feature, s.session_id, s.conversation_id, s.user_id, source,
    s.handoff_target, s.handoff_mode, if(s.handoff_target_type = '', 'agent', toString(s.handoff_target_type)),
    s.handoff_reason, s.handoff_artifacts, s.handoff_payload_bytes,
    multiIf(s.handoff_outcome != '', toString(s.handoff_outcome), m.target_span_id != '', 'accepted',
        s.run_id = '' OR s.run_open, 'pending',
        s.handoff_target = '' AND s.handoff_target_type != 'human', 'unknown', 'lost'),
    s.handoff_mode = 'pass_control' AND source != '' AND n.next_source = s.handoff_target AND n.next_target = source,
    m.target_trace_id, m.target_span_id, if(m.target_span_id = '', NULL, m.latency_ns),
    if(m.target_span_id = '', NULL, behind.cost),
    s.started_at, fromUnixTimestamp64Nano(s.end_ns, 'UTC'), s.duration_ns
FROM work_spans AS s
LEFT JOIN nexts AS n ON n.trace_id = s.trace_id AND n.span_id = s.span_id
LEFT JOIN work_handoffs AS m ON m.trace_id = s.trace_id AND m.span_id = s.span_id
LEFT JOIN behind ON behind.trace_id = m.target_trace_id AND behind.of_agent = m.target_span_id
WHERE s.kind = 'handoff' AND NOT s.is_open
