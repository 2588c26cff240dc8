-- Whose prices were asked since a day.
SELECT DISTINCT provider, model, day
FROM model_prices FINAL
WHERE day >= toDate(fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
ORDER BY provider, model, day
