-- Rows [from, until) of some parts.
SELECT {{columns}}
FROM {{table}}
WHERE _part IN {parts:Array(String)} AND _part_offset >= {from:UInt64} AND _part_offset < {until:UInt64}
