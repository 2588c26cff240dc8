-- The newest runs, their tokens and errors, asked of raw spans as who has only them asks.
SELECT
    TraceId,
    min(Timestamp) AS started,
    count(),
    countIf(StatusCode = 'Error'),
    sum(toUInt64OrZero(SpanAttributes['gen_ai.usage.input_tokens']))
FROM otel_traces
WHERE Timestamp >= {since:DateTime64(9)} AND Timestamp < {until:DateTime64(9)}
GROUP BY TraceId
ORDER BY started DESC
LIMIT 20
