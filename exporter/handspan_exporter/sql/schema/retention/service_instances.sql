-- A span that is open for a day is lost, whoever is heard of.
ALTER TABLE service_instances MODIFY TTL toDateTime(seen_at) + INTERVAL 7 DAY
