-- kpi: failed tool calls / tool calls; handoffs and tools that only ask another agent are none
-- grain: one row in total; also per tool
-- unit: ratio, 0..1
-- undefined when: no tool call ended
-- groupings kept in history: total, agent, tool
-- reads: tool_calls
-- used by: handspan kpi, GET /api/v1/kpis/tool_error_ratio, kpi_history
WITH
{{dimensions_facts}},
{{wilson}},
{{finite}},
    -- One list of values for all levels; nan where there is none.
    quantilesExactInclusive(0.5, 0.9, 0.95)(duration_ns) AS durations_ns
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, failed / n) AS tool_error_ratio,
    countIf(outcome = 'failure') AS failed,
    sumMapIf(map(error_type, toUInt64(1)), outcome = 'failure') AS failures_by_error_type,
    finite(durations_ns[1]) / 1e9 AS duration_p50_s,
    finite(durations_ns[2]) / 1e9 AS duration_p90_s,
    finite(durations_ns[3]) / 1e9 AS duration_p95_s,
    count() AS n,
    wilson_low(failed, n) AS low,
    wilson_high(failed, n) AS high,
    if(n > 0, '', 'no tool call in the window') AS reason
FROM tool_calls FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_tool_calls}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND NOT delegation
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
