-- kpi: ratings of 1..5: mean and median; shares of what was a success and would be used again; agents that
--   were suggested instead
-- grain: one row per agent; also per task_type, source
-- unit: rating, 1..5
-- undefined when: no rating says a quality
-- groupings kept in history: total, agent
-- reads: ratings
-- used by: handspan kpi, GET /api/v1/kpis/quality_rating, kpi_history
WITH
{{dimensions_facts}},
{{finite}}
SELECT
    toString({by:Identifier}) AS "group",
    sum(r.quality) / nullIf(n, 0) AS quality_mean,
    finite(stddevSampStable(r.quality)) AS quality_sd,
    quantileExactInclusiveOrNull(0.1)(r.quality) AS quality_p10,
    quantileExactInclusiveOrNull(0.5)(r.quality) AS quality_p50,
    quantileExactInclusiveOrNull(0.9)(r.quality) AS quality_p90,
    countIf(r.success) / nullIf(success_n, 0) AS success_share,
    count(r.success) AS success_n,
    countIf(r.would_use_again) / nullIf(use_again_n, 0) AS use_again_share,
    count(r.would_use_again) AS use_again_n,
    sumMapIf(map(toString(alternative_agent), toUInt64(1)), alternative_agent != '') AS alternative_agents,
    count() AS ratings,
    count(r.quality) AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    multiIf(n > 0, '', count() = 0, 'no rating in the window', 'no rating says a quality') AS reason
FROM ratings AS r FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_ratings}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY n DESC, "group"
{{settings}}
