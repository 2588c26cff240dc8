-- One row per recorded decision; a confidence outside 0..1 is none.
INSERT INTO new_decisions (
{{dimensions}},
    decision, choice, alternatives, confidence, reason, started_at, ended_at, duration_ns)
SELECT
{{dimensions}},
    decision, decision_choice, decision_alternatives,
    if(decision_confidence BETWEEN 0 AND 1, decision_confidence, NULL), decision_reason,
{{lasted}}
FROM work_spans
INNER JOIN
(
    SELECT trace_id, span_id, decision, decision_choice, decision_alternatives, decision_confidence, decision_reason
    FROM work_base
    WHERE kind = 'decision'
) AS said USING (trace_id, span_id)
WHERE kind = 'decision'
