-- What each table has on disk.
SELECT
    table,
    sum(rows) AS rows,
    sum(bytes_on_disk) AS bytes,
    sum(data_compressed_bytes) AS compressed,
    sum(data_uncompressed_bytes) AS uncompressed,
    count() AS parts
FROM system.parts
WHERE database = {database:String} AND active
GROUP BY table
ORDER BY bytes DESC
