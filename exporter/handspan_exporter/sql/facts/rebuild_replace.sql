-- The new row wins over the old one, and yet keeps when the span came: that decides when a trace is idle.
INSERT INTO agent_spans
SELECT rebuilt.* REPLACE (if(known.spans = 0, received_at, known.last + toIntervalNanosecond(1)) AS received_at)
FROM rebuilt
LEFT JOIN
(
    SELECT trace_id, span_id, max(received_at) AS last, count() AS spans
    FROM agent_spans
    WHERE trace_id IN (SELECT trace_id FROM rebuilt)
    GROUP BY trace_id, span_id
) AS known ON known.trace_id = rebuilt.trace_id AND known.span_id = rebuilt.span_id
