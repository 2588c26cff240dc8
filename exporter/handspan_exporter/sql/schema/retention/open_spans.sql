-- As long as the raw spans: setting raw_days.
ALTER TABLE open_spans MODIFY TTL toDateTime(started_at) + INTERVAL {{raw_days}} DAY
