-- The columns of a table that another writes.
SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {table:String}
