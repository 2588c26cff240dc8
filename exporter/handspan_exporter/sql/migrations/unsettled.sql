-- Fact tables with a partition per day whose parts are left as they are.
SELECT name
FROM system.tables
WHERE database = currentDatabase()
  AND engine LIKE '%ReplacingMergeTree'
  AND engine NOT LIKE 'Shared%'  -- ClickHouse Cloud merges as it sees fit
  AND position(engine_full, 'revision, is_deleted)') > 0
  AND partition_key = 'toDate(started_at)'
  AND position(engine_full, 'min_age_to_force_merge_on_partition_only = 1') = 0
ORDER BY name
