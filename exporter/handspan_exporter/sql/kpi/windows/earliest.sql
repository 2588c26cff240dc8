(
    -- When the earliest row began that reaches into the window: lets partitions be left out. With FINAL the index on
    -- ended_at cannot, for a newer version of a row may stand where it does not look; all versions share a partition.
    SELECT ifNull(minOrNull(started_at), {since:DateTime64(9, 'UTC')})
    FROM {{table}}
    WHERE started_at < {since:DateTime64(9, 'UTC')} AND ended_at >= {since:DateTime64(9, 'UTC')}
)
