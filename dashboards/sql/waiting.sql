-- Runs that are still open: those that announced themselves and have not ended.
SELECT started_at AS since, run_id AS run, workflow, path, outcome, dateDiff('second', started_at, now64(9)) AS open_s
FROM runs FINAL
WHERE parent_run_id = '' AND outcome IN ('running', 'lost') AND started_at < toDateTime64($__toTime_ms, 9, 'UTC')
  AND
{{filters_runs}}
ORDER BY started_at
LIMIT 100
