-- One row per number recorded on a run, and per figure of a step of a session (its span_id is the step's, a dot, and
-- the figure's name); a value that is no number is none.
INSERT INTO new_run_metrics (
{{dimensions}},
    metric, value, started_at, ended_at, duration_ns)
SELECT
    trace_id, if(kind = 'session', concat(span_id, '.', metric), span_id) AS span_id,
    run_id, agent_run, service, project, workflow, agent, feature, session_id, conversation_id, user_id,
    metric, value,
{{lasted}}
FROM
(
    SELECT *,
        arrayJoin(said) AS figure, figure.1 AS metric, assumeNotNull(figure.2) AS value
    FROM work_spans
    INNER JOIN
    (
        SELECT trace_id, span_id,
            arrayFilter(one -> one.2 IS NOT NULL, if(kind = 'metric',
                [(toString(metric), metric_value)],
                [('performance_impact', session_impact), ('cpu_ratio', session_cpu_ratio),
                 ('memory_bytes', toFloat64(session_memory_bytes))])) AS said
        FROM work_base
        WHERE kind IN ('metric', 'session')
    ) AS numbers USING (trace_id, span_id)
    WHERE kind IN ('metric', 'session')
)
