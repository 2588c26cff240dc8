-- Raw spans: setting raw_days.
ALTER TABLE otel_traces MODIFY TTL toDateTime(Timestamp) + INTERVAL {{raw_days}} DAY
