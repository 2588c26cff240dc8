-- The syntax tree of a statement as JSON; web/clickhouse/judgement.py decides on it.
SELECT parseQueryToJSON({statement:String}) FORMAT RawBLOB
