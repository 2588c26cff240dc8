-- kpi: faults that were overcome / faults of ended runs: by a recovery, a later success of the same
--   target by the same agent, or because the run succeeded. Injected faults and real ones stand apart
-- grain: one row per origin; also per fault_type, target, strategy
-- unit: ratio, 0..1
-- undefined when: no run with a fault has ended
-- groupings kept in history: total, origin, target
-- reads: faults
-- used by: handspan kpi, GET /api/v1/kpis/fault_recovery_ratio, kpi_history
WITH
{{dimensions_facts}},
    if(injected, 'injected', 'real') AS origin,
{{wilson}}
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, recovered / n) AS fault_recovery_ratio,
    countIf(outcome = 'recovered') AS recovered,
    countIf(outcome = 'unrecovered') AS unrecovered,
    countIf(outcome = 'open') AS open,
    countIf(outcome = 'recovered' AND recovered_by = 'recovery') AS by_recovery,
    countIf(outcome = 'recovered' AND recovered_by = 'success') AS by_later_success,
    countIf(outcome = 'recovered' AND recovered_by = 'run') AS by_run,
    recovered + unrecovered AS n,
    wilson_low(recovered, n) AS low,
    wilson_high(recovered, n) AS high,
    multiIf(n > 0, '', count() = 0, 'no fault in the window', 'no run with a fault has ended') AS reason
FROM faults FINAL
WHERE ended_at >= {since:DateTime64(9, 'UTC')}
  AND ended_at < {until:DateTime64(9, 'UTC')}
  AND indexHint(started_at >= {{earliest_faults}} AND started_at < {until:DateTime64(9, 'UTC')})
  AND
{{filters_facts}}
GROUP BY "group"
ORDER BY "group"
{{settings}}
