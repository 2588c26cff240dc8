-- Settings hourly_history_days and daily_history_days.
ALTER TABLE kpi_history MODIFY TTL bucket + INTERVAL {{hourly_history_days}} DAY DELETE WHERE grain = 'hour', bucket + INTERVAL {{daily_history_days}} DAY DELETE WHERE grain = 'day'
