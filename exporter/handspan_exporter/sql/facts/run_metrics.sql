-- One row per number recorded on a run; a value that is no number is none.
INSERT INTO new_run_metrics (
{{dimensions}},
    metric, value, started_at, ended_at, duration_ns)
SELECT
{{dimensions}},
    metric, assumeNotNull(metric_value),
{{lasted}}
FROM work_spans
INNER JOIN (SELECT trace_id, span_id, metric, metric_value FROM work_base WHERE kind = 'metric') AS said
    USING (trace_id, span_id)
WHERE kind = 'metric' AND metric_value IS NOT NULL
