-- Facts: setting fact_days.
ALTER TABLE faults MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
