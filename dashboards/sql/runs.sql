-- Top runs of the time range and filters, newest first: one row per run, at most 500.
-- `with` is "dimension=value": only runs with such a call, handoff, fault, wait, budget, path or step; the value none is
-- also what has no value.
WITH
    ${with:singlequote} AS chosen,
    [chosen, if(endsWith(chosen, '=none'), substring(chosen, 1, length(chosen) - 4), chosen)] AS asked
SELECT
    coalesce(ended_at, started_at) AS at,
    run_id AS run,
    workflow,
    path,
    outcome,
    duration_ns / 1e9 AS duration_s,
    toFloat64(cost_usd) AS cost_usd,
    if(cost_usd IS NULL AND llm_calls > 0, 'no price', if(unpriced_calls > 0, concat(toString(unpriced_calls), ' of ', toString(llm_calls), ' calls'), '')) AS cost_unknown,
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
  AND (chosen = '' OR run_id IN (
    SELECT run_id FROM llm_calls FINAL
        WHERE hasAny([concat('model=', model), concat('provider=', provider), concat('agent=', agent), if(agent_run = '', 'edge=no agent', '')], asked)
            -- An agent that no handoff started, as the KPI `cost_usd` names its edge.
            OR (has(asked, concat('edge=entry > ', agent))
                AND (trace_id, agent_run) NOT IN (SELECT target_trace_id, target_span_id FROM handoffs FINAL))
    UNION ALL SELECT run_id FROM tool_calls FINAL WHERE hasAny([concat('tool=', tool), concat('agent=', agent)], asked)
    UNION ALL SELECT run_id FROM handoffs FINAL
        WHERE hasAny([concat('edge=', source, ' > ', target), concat('source=', source), concat('target=', target), concat('mode=', mode)], asked)
    UNION ALL SELECT run_id FROM faults FINAL
        WHERE hasAny([concat('origin=', if(injected, 'injected', 'real')), concat('fault_type=', fault_type), concat('target=', target), concat('strategy=', strategy), concat('agent=', agent)], asked)
    UNION ALL SELECT run_id FROM human_waits FINAL
        WHERE hasAny([concat('human_reason=', reason), concat('priority=', priority), concat('decision=', decision), concat('agent=', agent)], asked)
    UNION ALL SELECT run_id FROM budget_events FINAL WHERE hasAny([concat('budget=', budget), concat('scope=', scope)], asked)
    UNION ALL SELECT run_id FROM tasks FINAL WHERE has(asked, concat('agent=', agent))
    UNION ALL SELECT run_id FROM validations FINAL WHERE hasAny([concat('validation=', validation), concat('validator=', validator), concat('agent=', agent)], asked)
    UNION ALL SELECT run_id FROM runs FINAL WHERE hasAny([concat('pattern=', path), concat('outcome=', outcome)], asked)
            OR hasAny(arrayMap(one -> concat('agent=', one), agents), asked)
    UNION ALL SELECT run_id FROM critical_paths FINAL WHERE has(asked, concat('step=', part, ' ', name))
    UNION ALL SELECT run_id FROM run_metrics FINAL WHERE has(asked, concat('metric=', metric))
  ))
ORDER BY at DESC
LIMIT 500
