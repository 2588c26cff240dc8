-- Top runs of the time range and filters, newest first: one row per run, at most 500.
-- `with` is "dimension=value": only runs with such a call, handoff, fault, wait, budget, path or step.
SELECT
    coalesce(ended_at, started_at) AS at,
    run_id AS run,
    workflow,
    path,
    outcome,
    duration_ns / 1e9 AS duration_s,
    toFloat64(cost_usd) AS cost_usd,
    if(cost_usd IS NULL AND llm_calls > 0, 'no price', if(unpriced_calls > 0, concat(toString(unpriced_calls), ' of ', toString(llm_calls), ' calls unpriced'), '')) AS cost_unknown,
    input_tokens + output_tokens AS tokens,
    agent_runs,
    handoffs,
    error_type,
    root_trace_id AS trace
FROM runs FINAL
WHERE parent_run_id = ''
  AND coalesce(ended_at, started_at) >= toDateTime64($__fromTime_ms, 9, 'UTC')
  AND coalesce(ended_at, started_at) < toDateTime64($__toTime_ms, 9, 'UTC')
  AND
{{filters_runs}}
  AND (${with:singlequote} = '' OR run_id IN (
    SELECT run_id FROM llm_calls FINAL
        WHERE has([concat('model=', model), concat('provider=', provider), if(agent_run = '', 'edge=no agent', '')], ${with:singlequote})
            -- An agent that no handoff started, as the KPI `cost_usd` names its edge.
            OR (concat('edge=entry > ', agent) = ${with:singlequote}
                AND (trace_id, agent_run) NOT IN (SELECT target_trace_id, target_span_id FROM handoffs FINAL))
    UNION ALL SELECT run_id FROM tool_calls FINAL WHERE concat('tool=', tool) = ${with:singlequote}
    UNION ALL SELECT run_id FROM handoffs FINAL
        WHERE has([concat('edge=', source, ' > ', target), concat('source=', source), concat('target=', target), concat('mode=', mode)], ${with:singlequote})
    UNION ALL SELECT run_id FROM faults FINAL
        WHERE has([concat('origin=', if(injected, 'injected', 'real')), concat('fault_type=', fault_type), concat('target=', target), concat('strategy=', strategy)], ${with:singlequote})
    UNION ALL SELECT run_id FROM human_waits FINAL
        WHERE has([concat('human_reason=', reason), concat('priority=', priority), concat('decision=', decision)], ${with:singlequote})
    UNION ALL SELECT run_id FROM budget_events FINAL WHERE has([concat('budget=', budget), concat('scope=', scope)], ${with:singlequote})
    UNION ALL SELECT run_id FROM validations FINAL WHERE has([concat('validation=', validation), concat('validator=', validator)], ${with:singlequote})
    UNION ALL SELECT run_id FROM runs FINAL WHERE has([concat('pattern=', path), concat('outcome=', outcome)], ${with:singlequote})
    UNION ALL SELECT run_id FROM critical_paths FINAL WHERE concat('step=', part, ' ', name) = ${with:singlequote}
    UNION ALL SELECT run_id FROM run_metrics FINAL WHERE concat('metric=', metric) = ${with:singlequote}
  ))
ORDER BY at DESC
LIMIT 500
