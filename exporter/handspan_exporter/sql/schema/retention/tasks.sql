-- Facts: setting fact_days.
ALTER TABLE tasks MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
