-- As long as the raw spans, and a week more: its partitions are weeks.
ALTER TABLE otel_traces_trace_id_ts MODIFY TTL Start + INTERVAL {{raw_days}} DAY + INTERVAL 7 DAY
