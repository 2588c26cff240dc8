-- One row per message between agents; who does not say from whom it is, is its sender.
INSERT INTO new_messages (
{{dimensions}},
    source, target, message_type, payload_bytes, started_at, ended_at, duration_ns)
SELECT
{{dimensions}},
    if(message_source = '', agent, toString(message_source)), message_target, message_type, message_payload_bytes,
{{lasted}}
FROM work_spans
INNER JOIN
(
    SELECT trace_id, span_id, message_source, message_target, message_type, message_payload_bytes
    FROM work_base
    WHERE kind = 'message'
) AS said USING (trace_id, span_id)
WHERE kind = 'message'
