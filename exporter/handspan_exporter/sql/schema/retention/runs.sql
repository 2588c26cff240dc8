-- Facts: setting fact_days.
ALTER TABLE runs MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
