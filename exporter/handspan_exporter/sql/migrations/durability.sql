-- ClickHouse leaves a new part to the page cache; with this it is on disk before the insert returns.
-- Merged parts need none: their sources stay for eight minutes, longer than any page cache waits.
ALTER TABLE {{table}} MODIFY SETTING fsync_after_insert = {{durable}}, fsync_part_directory = {{durable}}
