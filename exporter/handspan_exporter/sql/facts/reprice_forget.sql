-- The prices that were asked anew stay, older ones of the same days go.
DELETE FROM model_prices
WHERE day >= toDate(fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
  AND asked_at < fromUnixTimestamp64Nano({asked_ns:Int64}, 'UTC')
