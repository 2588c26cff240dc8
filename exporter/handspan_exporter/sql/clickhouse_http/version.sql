-- What the answer to clickhouse-go's greeting names.
SELECT version() FORMAT RawBLOB
