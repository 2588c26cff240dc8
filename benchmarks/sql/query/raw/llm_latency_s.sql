-- How long calls take, asked of raw spans as who has only them asks.
SELECT quantiles(0.5, 0.9, 0.95)(Duration)
FROM otel_traces
WHERE Timestamp >= {since:DateTime64(9)} AND Timestamp < {until:DateTime64(9)}
  AND SpanAttributes['gen_ai.operation.name'] = 'chat'
