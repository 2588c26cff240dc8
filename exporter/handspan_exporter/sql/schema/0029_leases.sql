-- Who of several services on one server does what only one may do. The newest revision counts; it is made by an insert
-- whose token is its number, so that of two claims to the same number ClickHouse drops one. Written by store/lease.py.
CREATE TABLE IF NOT EXISTS leases
(
    name       LowCardinality(String),
    revision   UInt64,
    holder     String,  -- '' when given back
    fence      UInt64,  -- what the holder writes carries this revision at least, and no earlier holder's reaches it
    renewed_at DateTime64(9, 'UTC') DEFAULT now64(9, 'UTC')
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY name
SETTINGS non_replicated_deduplication_window = 1000
