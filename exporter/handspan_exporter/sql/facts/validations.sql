-- One row per validation span or event.
INSERT INTO new_validations (
{{dimensions}},
    validation, validator, role, result, score, started_at, ended_at, duration_ns)
SELECT
{{dimensions}},
    if(validation = '', name, toString(validation)), validator, validation_role, validation_result, validation_score,
{{lasted}}
FROM work_spans
INNER JOIN (SELECT trace_id, span_id, validation, validator, validation_role, validation_result, validation_score FROM work_base WHERE kind = 'validation') AS said
    USING (trace_id, span_id)
WHERE kind = 'validation'
