-- Facts: setting fact_days.
ALTER TABLE budget_events MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
