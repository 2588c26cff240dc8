-- A moment of the server's clock: every arrival that it stamped before can be read. A running insert stamps its rows
-- after it is listed here, and what is not listed has stamped nothing or is stored.
SELECT toInt64(1e9 * max(elapsed)) + {margin_ns:Int64} AS behind_ns, toUnixTimestamp64Nano(now64(9)) - behind_ns AS until_ns
FROM {{processes}}
WHERE query_kind = 'Insert' AND position(query, 'trace_arrivals') > 0
