-- Several services may share a server, and none knows what the others have in flight: there the server itself stamps
-- arrivals while it stores them (facts/stored_until.sql), and writer/ leaves the column out.
ALTER TABLE trace_arrivals MODIFY COLUMN arrived_at DateTime64(9, 'UTC') DEFAULT now64(9, 'UTC') CODEC(Delta, ZSTD(1))
