(
    -- When the earliest row began that reaches into the window: lets partitions be left out. With FINAL the index on
    -- ended_at cannot, for a newer version of a row may stand where it does not look; all versions share a partition.
    -- Questions have it within indexHint: no row that ends in the window starts outside, so that no start has to be read.
    SELECT ifNull(minOrNull(started_at), {{{since}}:DateTime64(9, 'UTC')})
    FROM {{table}}
    WHERE started_at < {{{since}}:DateTime64(9, 'UTC')} AND ended_at >= {{{since}}:DateTime64(9, 'UTC')}
)
