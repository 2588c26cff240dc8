-- What kind of table it is that another writes.
SELECT engine, toString(uuid) AS uuid
FROM system.tables
WHERE database = {database:String} AND name = {table:String}
