-- Every service that has sent a span; Jaeger's first list.
-- reads: otel_traces
-- used by: the Jaeger reader
SELECT DISTINCT ServiceName AS service
FROM otel_traces
WHERE ServiceName != ''
ORDER BY service
LIMIT {limit:UInt32}
