-- The ids of all other spans of the traces with gaps; the companion table says which days to read.
INSERT INTO work_foreign
WITH (SELECT (min(Start), max(End) + 1) FROM otel_traces_trace_id_ts WHERE TraceId IN {trace_ids:Array(String)}) AS span_of_time
SELECT DISTINCT TraceId, SpanId, ParentSpanId
FROM otel_traces
WHERE TraceId IN {trace_ids:Array(String)}
  AND Timestamp >= span_of_time.1 AND Timestamp <= span_of_time.2
  AND (TraceId, SpanId) NOT IN (SELECT trace_id, span_id FROM work_base)
