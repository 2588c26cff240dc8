-- Remove agent spans that a newer mapping does not yield.
DELETE FROM agent_spans
WHERE trace_id IN {trace_ids:Array(String)}
  AND (trace_id, span_id) IN (SELECT arrayJoin(arrayZip({trace_ids:Array(String)}, {span_ids:Array(String)})))
