-- Every agent span with its run and its dimensions, filled from above. run_id is the top run ('' while none is open);
-- `runs` holds that and the nested ones around the span, run_open says that the top run has not ended. A fragment without an opener belongs to the run whose id it
-- names, else to the trace's run where there is exactly one.
CREATE TEMPORARY TABLE work_spans AS
WITH
    known AS (SELECT run_id FROM work_runs),
    sole AS
    (
        SELECT trace_id AS sole_trace_id, any(runs[-1]) AS sole_run
        FROM work_opened
        INNER JOIN work_runs USING (run_id)
        GROUP BY trace_id
        HAVING uniqExact(runs[-1]) = 1
    ),
    placed AS
    (
        SELECT
            t.trace_id AS tree_trace_id, t.span_id AS tree_span_id, depth, parent_missing, in_gap, t.agent_run AS agent_run,
            usage_above, call_above, usage_call_above, delegates, agent_name_at,
            coordinated, hit_at, struck, critical_ns, critical_at,
            o.run_id AS opened_run, workflow_id_at, workflow_at, project_at, feature_at, session_id_at,
            conversation_id_at, user_id_at
        FROM work_tree AS t
        LEFT JOIN work_opened AS o
            ON o.trace_id = t.trace_id AND o.span_id = if(t.opener_at != '', t.opener_at, t.topmost_agent_at)
    ),
    bases AS
    (
        -- What only one kind of fact needs stays behind: every column here is planned in every statement.
        SELECT * EXCEPT '^(validat|fault_|recovery_|human_d|human_p|rating_|rates_|budget|metric|session_(impact|cpu|mem)|decision|message_)' FROM work_base
        LEFT JOIN placed ON tree_trace_id = trace_id AND tree_span_id = span_id
        LEFT JOIN sole ON sole_trace_id = trace_id
    )
SELECT
    bases.* EXCEPT (agent, workflow, project, feature, session_id, conversation_id, user_id, tree_trace_id, tree_span_id,
                    opened_run, agent_name_at, workflow_id_at, workflow_at, project_at, feature_at, session_id_at,
                    conversation_id_at, user_id_at, sole_trace_id, sole_run),
    r.runs AS runs,
    r.run_open AS run_open,
    if(empty(r.runs), '', r.runs[-1]) AS run_id,
    multiIf(kind = 'agent' AND bases.agent = '', name, bases.agent != '', bases.agent, agent_name_at) AS agent,
    if(workflow_at != '', workflow_at, r.workflow) AS workflow,
    if(project_at != '', project_at, r.project) AS project,
    if(feature_at != '', feature_at, r.feature) AS feature,
    if(session_id_at != '', session_id_at, r.session_id) AS session_id,
    if(conversation_id_at != '', conversation_id_at, r.conversation_id) AS conversation_id,
    if(user_id_at != '', user_id_at, r.user_id) AS user_id
FROM bases
LEFT JOIN work_runs AS r ON r.run_id = multiIf(
    opened_run != '', opened_run,
    workflow_id_at IN (known), workflow_id_at,
    sole_run)
