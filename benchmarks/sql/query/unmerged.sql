-- Days of fact tables that are not one part yet, but for the newest: it is still written to.
SELECT table, partition_id
FROM
(
    SELECT table, partition_id, count() AS parts, max(level) AS merges, max(partition_id) OVER (PARTITION BY table) AS newest
    FROM system.parts
    WHERE active
      AND database = currentDatabase()
      AND table IN
      (
          SELECT name
          FROM system.tables
          WHERE database = currentDatabase()
            AND position(engine_full, 'min_age_to_force_merge_on_partition_only = 1') > 0
      )
    GROUP BY table, partition_id
)
WHERE (parts > 1 OR merges = 0) AND partition_id != newest
ORDER BY table, partition_id
