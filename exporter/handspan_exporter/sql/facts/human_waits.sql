-- One row per human span that has ended.
INSERT INTO new_human_waits (
{{dimensions}},
    reason, priority, decision, started_at, ended_at, duration_ns)
SELECT
{{dimensions}},
    human_reason, human_priority, human_decision,
{{lasted}}
FROM work_spans
INNER JOIN (SELECT trace_id, span_id, human_priority, human_decision FROM work_base WHERE kind = 'human') AS said
    USING (trace_id, span_id)
WHERE kind = 'human' AND NOT is_open
