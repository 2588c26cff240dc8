-- In a trace without an opener, whose agents belong to no run of another trace, the topmost agents become one run
-- when the trace has been idle for the setting implicit_run_s.
INSERT INTO work_openers
    (trace_id, span_id, above, implicit, start_ns, end_ns, is_open, is_lost, resumes, place, key)
SELECT
    trace_id, span_id, '', 1, start_ns, end_ns, is_open, is_lost, if(empty(base.resumes), '', base.resumes[1]), 1,
    if(workflow_id_at = '', trace_id, workflow_id_at)
FROM work_base AS base
INNER JOIN work_tree AS tree USING (trace_id, span_id)
WHERE topmost_agent_at = span_id
  AND workflow_id_at NOT IN (SELECT key FROM work_openers)
  AND trace_id NOT IN (SELECT trace_id FROM work_openers)
  AND trace_id IN
  (
      SELECT trace_id
      FROM work_base
      GROUP BY trace_id
      HAVING max(toUnixTimestamp64Nano(received_at)) <= {idle_before_ns:Int64}
  )
