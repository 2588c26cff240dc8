-- One row per human span; one that has not ended has its beginning as its end, as facts of runs that go on have.
INSERT INTO new_human_waits (
{{dimensions}},
    reason, priority, decision, state, started_at, ended_at, duration_ns)
SELECT
{{dimensions}},
    human_reason, human_priority, human_decision, multiIf(NOT is_open, 'ended', is_lost, 'lost', 'waiting'),
{{lasted}}
FROM work_spans
INNER JOIN (SELECT trace_id, span_id, human_priority, human_decision FROM work_base WHERE kind = 'human') AS said
    USING (trace_id, span_id)
WHERE kind = 'human'
