-- Facts: setting fact_days.
ALTER TABLE human_waits MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
