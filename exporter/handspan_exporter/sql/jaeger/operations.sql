-- The names of a service's spans, each with its kind as Jaeger writes it; '' as a kind asks for all.
-- reads: otel_traces
-- used by: the Jaeger reader
SELECT DISTINCT
    SpanName AS name,
    if(SpanKind = 'Unspecified', '', lower(SpanKind)) AS span_kind
FROM otel_traces
WHERE ServiceName = {service:String}
  AND (empty({kind:String}) OR span_kind = {kind:String})
ORDER BY name, span_kind
LIMIT {limit:UInt32}
