-- One row per budget event. A budget of a workflow or an agent is another one in each run, any other is shared.
INSERT INTO new_budget_events (
{{dimensions}},
    budget, scope, pot, limit_usd, used_usd, state, started_at, ended_at, duration_ns)
SELECT
{{dimensions}},
    if(budget = '', toString(budget_scope), toString(budget)), budget_scope,
    if(budget_scope IN ('workflow', 'agent'), if(run_id = '', trace_id, run_id), ''),
    budget_limit_usd, budget_used_usd, budget_state,
{{lasted}}
FROM work_spans
INNER JOIN (SELECT trace_id, span_id, budget, budget_scope, budget_limit_usd, budget_used_usd, budget_state FROM work_base WHERE kind = 'budget') AS said
    USING (trace_id, span_id)
WHERE kind = 'budget'
