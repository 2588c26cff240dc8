-- As long as the raw spans: setting raw_days.
ALTER TABLE otel_logs MODIFY TTL toDateTime(Timestamp) + INTERVAL {{raw_days}} DAY
