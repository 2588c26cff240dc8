-- Calls that failed, asked of raw spans as who has only them asks.
SELECT countIf(StatusCode = 'Error') / count()
FROM otel_traces
WHERE Timestamp >= {since:DateTime64(9)} AND Timestamp < {until:DateTime64(9)}
  AND SpanAttributes['gen_ai.operation.name'] = 'chat'
