-- Facts: setting fact_days.
ALTER TABLE agent_runs MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
