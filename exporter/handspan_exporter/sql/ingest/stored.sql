-- Which spans or traces of a stretch of time a table has; writer/verify.py asks when a token proves nothing.
SELECT {{ids}}
FROM {{table}}
WHERE {{time}} BETWEEN fromUnixTimestamp64Nano({first_ns:Int64}) AND fromUnixTimestamp64Nano({last_ns:Int64})
