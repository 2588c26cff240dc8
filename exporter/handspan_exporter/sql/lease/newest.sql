-- The newest revision of a lease, how long ago it was made, and the server's time.
SELECT
    revision,
    holder,
    fence,
    dateDiff('millisecond', renewed_at, now64(9, 'UTC')) / 1000 AS age_s
FROM leases
WHERE name = {name:String}
ORDER BY revision DESC
LIMIT 1
