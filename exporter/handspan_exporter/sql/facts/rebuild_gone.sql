-- The agent spans, and events of them (id of the span, a dot, a number), that their raw spans yield no longer. Spans
-- whose raw ones were not read, because they came since or have expired, are not among them.
SELECT DISTINCT trace_id, span_id
FROM agent_spans
WHERE trace_id IN (SELECT trace_id FROM reread)
  AND (trace_id, splitByChar('.', span_id)[1]) IN (SELECT trace_id, span_id FROM reread)
  AND (trace_id, span_id) NOT IN (SELECT trace_id, span_id FROM rebuilt)
