-- Facts: setting fact_days.
ALTER TABLE decisions MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
