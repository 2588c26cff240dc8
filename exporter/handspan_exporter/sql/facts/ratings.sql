-- One row per rating span. What a link names is rated, with the run and the dimensions of that span, if it is stored.
INSERT INTO new_ratings (
{{dimensions}},
    task_type, task_domain, agent_version, quality, success, source, notes, would_use_again, alternative_agent, started_at, ended_at, duration_ns)
SELECT
    s.trace_id, s.span_id, rated.run_id, if(rated.kind = 'agent', rated.span_id, rated.agent_run), rated.service,
    rated.project, rated.workflow, rated.agent, rated.feature, rated.session_id, rated.conversation_id, rated.user_id,
    rated.task_type, rated.task_domain, rated.agent_version, if(s.rating_quality BETWEEN 1 AND 5, s.rating_quality, NULL), s.rating_success, s.rating_source,
    s.rating_notes, s.rating_would_use_again, s.rating_alternative_agent,
    s.started_at, fromUnixTimestamp64Nano(s.end_ns, 'UTC'), s.duration_ns
FROM
(
    SELECT *, (rates_trace_id, rates_span_id) IN (SELECT trace_id, span_id FROM work_spans) AS rates_stored
    FROM work_base
    WHERE kind = 'rating'
) AS s
INNER JOIN work_spans AS rated
    ON rated.trace_id = if(s.rates_stored, s.rates_trace_id, s.trace_id)
    AND rated.span_id = if(s.rates_stored, s.rates_span_id, s.span_id)
