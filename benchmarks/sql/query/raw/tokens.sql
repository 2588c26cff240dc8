-- Tokens of all calls, asked of raw spans as who has only them asks.
SELECT
    sum(toUInt64OrZero(SpanAttributes['gen_ai.usage.input_tokens'])),
    sum(toUInt64OrZero(SpanAttributes['gen_ai.usage.output_tokens']))
FROM otel_traces
WHERE Timestamp >= {since:DateTime64(9)} AND Timestamp < {until:DateTime64(9)}
  AND SpanAttributes['gen_ai.operation.name'] = 'chat'
