-- Facts: setting fact_days.
ALTER TABLE critical_paths MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
