-- Facts: setting fact_days.
ALTER TABLE messages MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
