-- When a process that sends was last heard of, exact to some minutes (writer/instances.py). instance is '' where a
-- program does not say service.instance.id: then all of that service are one.
CREATE TABLE IF NOT EXISTS service_instances
(
    service  LowCardinality(String),
    instance String                CODEC(ZSTD(1)),
    seen_at  DateTime64(9, 'UTC')  CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(seen_at)
ORDER BY (service, instance)
SETTINGS index_granularity = 512, non_replicated_deduplication_window = 1000
