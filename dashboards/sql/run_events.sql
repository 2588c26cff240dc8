-- What happened in the run beside its calls, in the order of time: handoffs, faults and what overcame them, waits for
-- people, checks, budgets, ratings and recorded numbers.
SELECT * FROM
(
    SELECT started_at AS at, 'handoff' AS event, agent, concat(source, ' > ', target) AS what, outcome AS result, latency_ns / 1e9 AS took_s, reason AS note
    FROM handoffs FINAL WHERE run_id = ${run:singlequote}
    UNION ALL
    SELECT started_at, if(injected, 'injected fault', 'fault'), agent, concat(fault_type, ' at ', target), outcome, recovery_ns / 1e9, concat(recovered_by, if(strategy = '', '', concat(': ', strategy)))
    FROM faults FINAL WHERE run_id = ${run:singlequote}
    UNION ALL
    SELECT started_at, 'wait for a person', agent, reason, decision, duration_ns / 1e9, priority
    FROM human_waits FINAL WHERE run_id = ${run:singlequote}
    UNION ALL
    SELECT started_at, 'check', agent, validation, result, duration_ns / 1e9, concat(validator, if(score IS NULL, '', concat(' ', toString(score))))
    FROM validations FINAL WHERE run_id = ${run:singlequote}
    UNION ALL
    SELECT started_at, 'budget', agent, budget, state, CAST(NULL, 'Nullable(Float64)'), concat(toString(used_usd), ' of ', toString(limit_usd), ' USD')
    FROM budget_events FINAL WHERE run_id = ${run:singlequote}
    UNION ALL
    SELECT started_at, 'rating', agent, source, if(quality IS NULL, '', concat(toString(quality), ' of 5')), CAST(NULL, 'Nullable(Float64)'), notes
    FROM ratings FINAL WHERE run_id = ${run:singlequote}
    UNION ALL
    SELECT started_at, 'number', agent, metric, toString(value), CAST(NULL, 'Nullable(Float64)'), ''
    FROM run_metrics FINAL WHERE run_id = ${run:singlequote}
)
ORDER BY at
LIMIT 1000
