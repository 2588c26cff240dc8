-- Traces with a parent that is no agent span, once looking for it pays: the trace has a root, or is idle.
-- Before that most parents are missing only because they have not ended yet.
SELECT DISTINCT trace_id
FROM work_base
WHERE parent_span_id != ''
  AND (trace_id, parent_span_id) NOT IN (SELECT trace_id, span_id FROM work_base)
  AND trace_id IN
  (
      SELECT trace_id
      FROM work_base
      GROUP BY trace_id
      HAVING max(opens AND NOT is_open) OR max(parent_span_id = '' AND NOT is_open)
          OR max(toUnixTimestamp64Nano(received_at)) <= {idle_before_ns:Int64}
  )
