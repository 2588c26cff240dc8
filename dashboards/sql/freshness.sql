-- How old the newest span is, and how long the oldest span that is not yet in the facts has waited (0: none waits).
SELECT
    dateDiff('millisecond', (SELECT max(arrived_at) FROM trace_arrivals), now64(3)) / 1000 AS newest_s,
    greatest(0, coalesce(dateDiff('millisecond', (
        SELECT minOrNull(arrived_at) FROM trace_arrivals WHERE arrived_at > (SELECT max(moment) FROM processor_state)
    ), now64(3)), 0)) / 1000 AS waiting_s
