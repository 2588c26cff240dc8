-- Tables that every flush gives a part and that are merged by fives, ClickHouse's way, where the server lets us choose.
SELECT name
FROM system.tables
WHERE database = currentDatabase()
  AND name IN ('otel_traces', 'otel_traces_local', 'agent_spans', 'agent_spans_local')
  AND engine LIKE '%MergeTree'
  AND engine NOT LIKE 'Shared%'  -- ClickHouse Cloud merges as it likes
  AND position(engine_full, 'merge_selector_base = ') = 0
  AND (SELECT count() FROM system.merge_tree_settings WHERE name = 'merge_selector_base') = 1
ORDER BY name
