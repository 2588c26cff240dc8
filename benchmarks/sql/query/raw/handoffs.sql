-- How often work is handed on, asked of raw spans as who has only them asks.
SELECT count()
FROM otel_traces
WHERE Timestamp >= {since:DateTime64(9)} AND Timestamp < {until:DateTime64(9)}
  AND SpanAttributes['handspan.kind'] = 'handoff'
