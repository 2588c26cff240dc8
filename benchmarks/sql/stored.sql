-- How many spans a store has; answered from metadata.
SELECT count() FROM otel_traces
