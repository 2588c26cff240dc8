-- Facts: setting fact_days.
ALTER TABLE tool_calls MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
