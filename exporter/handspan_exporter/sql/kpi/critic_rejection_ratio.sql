-- kpi: what critics rejected / checks by critics with a result
-- grain: one row in total; also per validation, validator
-- unit: ratio, 0..1
-- undefined when: no critic said a result
-- groupings kept in history: total, agent
-- reads: validations
-- used by: handspan kpi, GET /api/v1/kpis/critic_rejection_ratio, kpi_history
WITH
{{dimensions_facts}},
{{wilson}}
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, rejected / n) AS critic_rejection_ratio,
    countIf(result = 'reject') AS rejected,
    countIf(result = '') AS without_result,
    count() - without_result AS n,
    wilson_low(rejected, n) AS low,
    wilson_high(rejected, n) AS high,
    multiIf(n > 0, '', count() = 0, 'no check by a critic in the window', 'no critic said a result') AS reason
FROM validations FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_validations}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND role = 'critic'
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
