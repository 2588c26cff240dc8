-- The server's clock.
SELECT toUnixTimestamp64Nano(now64(9)) AS now_ns
