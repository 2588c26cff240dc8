-- The closed hours and days whose history is due, oldest first.
SELECT grain, toUnixTimestamp(bucket) AS bucket_s, revision
FROM history_due FINAL
WHERE bucket + toIntervalSecond(if(grain = 'day', 86400, 3600)) <= fromUnixTimestamp64Nano({now_ns:Int64}, 'UTC')
ORDER BY bucket, grain
LIMIT 1000
