(
    -- When the earliest row began that reaches over the end of the window: as `earliest`.
    SELECT ifNull(minOrNull(started_at), {until:DateTime64(9, 'UTC')})
    FROM {{table}}
    WHERE started_at < {until:DateTime64(9, 'UTC')} AND ended_at >= {until:DateTime64(9, 'UTC')}
)
