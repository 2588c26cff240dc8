-- Facts: setting fact_days.
ALTER TABLE handoffs MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
