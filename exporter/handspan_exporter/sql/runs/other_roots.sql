-- Where other top runs begin in some traces: what lies below belongs to them.
-- reads: runs, run_traces
-- used by: handspan runs show, GET /api/v1/runs/{id}
SELECT root_trace_id, root_span_id
FROM runs FINAL
WHERE parent_run_id = ''
  AND run_id != {run:String}
  AND run_id IN (SELECT run_id FROM run_traces FINAL WHERE trace_id IN {traces:Array(String)})
