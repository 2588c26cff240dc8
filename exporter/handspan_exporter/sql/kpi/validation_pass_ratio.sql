-- kpi: checks that passed / checks with a result
-- grain: one row in total; also per validation, validator, role
-- unit: ratio, 0..1
-- undefined when: no check said its result
-- groupings kept in history: total, agent, validation, role
-- reads: validations
-- used by: handspan kpi, GET /api/v1/kpis/validation_pass_ratio, kpi_history
WITH
{{dimensions_facts}},
{{wilson}}
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, passed / n) AS validation_pass_ratio,
    countIf(result = 'pass') AS passed,
    countIf(result = 'fail') AS failed,
    countIf(result = 'reject') AS rejected,
    countIf(result = '') AS without_result,
    passed + failed + rejected AS n,
    wilson_low(passed, n) AS low,
    wilson_high(passed, n) AS high,
    multiIf(n > 0, '', count() = 0, 'no check in the window', 'no check said its result') AS reason
FROM validations FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_validations}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
