-- What the processor has not followed for a week it will never follow: `handspan rebuild` does.
ALTER TABLE trace_arrivals MODIFY TTL toDateTime(arrived_at) + INTERVAL 7 DAY
