-- Facts: setting fact_days.
ALTER TABLE ratings MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
