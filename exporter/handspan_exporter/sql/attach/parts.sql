-- The parts of a table that another writes, newest days first, and the numbers of the inserts in each.
SELECT
    name AS part,
    partition_id,
    toInt64(min_block_number) AS first,
    toInt64(max_block_number) AS last,
    rows
FROM system.parts
WHERE active AND database = {database:String} AND table = {table:String} AND rows > 0
ORDER BY partition_id DESC, first
