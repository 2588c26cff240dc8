-- Tables of ours whose parts are not, or no longer, as durable as the setting says.
SELECT name
FROM system.tables
WHERE database = currentDatabase()
  AND engine LIKE '%MergeTree'
  AND engine NOT LIKE 'Shared%'  -- ClickHouse Cloud writes to object storage, synchronously
  AND (position(engine_full, 'fsync_after_insert = 1, fsync_part_directory = 1') > 0) != {durable:Bool}
ORDER BY name
