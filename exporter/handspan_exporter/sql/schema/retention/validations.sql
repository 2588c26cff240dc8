-- Facts: setting fact_days.
ALTER TABLE validations MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
