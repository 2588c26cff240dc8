-- How many spans a store has, and how many different ones.
SELECT count(), uniqExact(SpanId) FROM otel_traces
