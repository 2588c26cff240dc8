-- As long as raw spans may come: setting raw_days.
ALTER TABLE trace_gaps MODIFY TTL toDateTime(noted_at) + INTERVAL {{raw_days}} DAY
