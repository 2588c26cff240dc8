-- Facts: setting fact_days.
ALTER TABLE run_metrics MODIFY TTL toDateTime(started_at) + INTERVAL {{fact_days}} DAY
