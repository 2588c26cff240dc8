(
    -- A day before what `earliest` finds: a fact of a run may come from a clock that is behind the run's own. Not before
    -- 1970: 24.8 finds no row after such a moment.
    SELECT greatest(ifNull(minOrNull(started_at), {since:DateTime64(9, 'UTC')}), toDateTime64('1970-01-02 00:00:00', 9, 'UTC'))
        - INTERVAL 1 DAY
    FROM {{table}}
    WHERE started_at < {since:DateTime64(9, 'UTC')} AND ended_at >= {since:DateTime64(9, 'UTC')}
)
