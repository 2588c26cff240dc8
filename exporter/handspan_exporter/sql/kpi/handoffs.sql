-- kpi: handoffs by outcome, with latency (handoff start to target's start), payload, and cost behind
--   the edge (LLM calls whose nearest agent run the handoff started)
-- grain: one row per edge; also per source, target, mode
-- unit: handoffs
-- undefined when: no handoff ended
-- groupings kept in history: total, edge
-- reads: handoffs
-- used by: handspan kpi, GET /api/v1/kpis/handoffs, kpi_history
WITH
{{dimensions_facts}},
    concat(source, ' > ', target) AS edge,
{{finite}},
    -- One list of values for all levels; nan where there is none.
    quantilesExactInclusive(0.5, 0.9, 0.95)(latency_ns) AS latencies_ns
SELECT
    toString({by:Identifier}) AS "group",
    nullIf(n, 0) AS handoffs,
    countIf(outcome = 'accepted') AS accepted,
    countIf(outcome = 'refused') AS refused,
    countIf(outcome = 'lost') AS lost,
    countIf(outcome = 'pending') AS pending,
    finite(latencies_ns[1]) / 1e9 AS latency_p50_s,
    finite(latencies_ns[2]) / 1e9 AS latency_p90_s,
    finite(latencies_ns[3]) / 1e9 AS latency_p95_s,
    count(latency_ns) AS latency_n,
    sum(h.payload_bytes) AS payload_bytes,
    count(h.payload_bytes) AS payload_n,
    sum(h.cost_usd) AS cost_usd,
    count(h.cost_usd) AS cost_n,
    count() AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no handoff in the window') AS reason
FROM handoffs AS h FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_handoffs}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY n DESC, "group"
{{settings}}
