-- The columns of the tables that are copied, in their order.
SELECT table, name, type
FROM system.columns
WHERE database = {database:String} AND table IN {tables:Array(String)} AND default_kind IN ('', 'DEFAULT')
ORDER BY table, position
