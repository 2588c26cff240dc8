-- One row per run, nested ones included: its counters count everything below it. Several openers make one run when
-- they are joined: it lasts from the first start to the last end, and the opener that ends last says how it ended; as
-- long as one has not ended the run is running, or lost when none of those will.
INSERT INTO new_runs
    (run_id, root_trace_id, root_span_id, parent_run_id, trace_ids, implicit, service, project, workflow, feature,
     session_id, conversation_id, user_id, plan, agents, path, outcome, error_type, status_message, started_at, ended_at,
     queued_at, duration_ns, active_ns, agent_time_ns, coordination_ns, estimated_s, estimated_cost_usd, resilience_score,
     parents_missing, multi_root_traces, spans_seen, agent_runs, handoffs, llm_calls, tool_calls, input_tokens,
     output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, priced_calls, unpriced_calls)
WITH
    multi_root AS
    (
        SELECT trace_id FROM work_spans WHERE parent_span_id = '' GROUP BY trace_id HAVING count() > 1
    ),
    parents AS (SELECT trace_id, agent_run FROM work_spans WHERE agent_run != ''),
    agents AS
    (
        SELECT arrayJoin(s.runs) AS run, sum(a.agent_time_ns) AS agent_time_ns, sum(a.coordination_ns) AS coordination_ns
        FROM new_agent_runs AS a
        INNER JOIN work_spans AS s ON s.trace_id = a.trace_id AND s.span_id = a.span_id
        GROUP BY run
    ),
    opened AS
    (
        SELECT
            o.run_id AS run_id,
            min(s.start_ns) AS first_ns,
            max(s.end_ns) AS last_ns,
            max(o.implicit) AS implicit,
            max(o.is_open) AS is_open,
            minIf(o.is_lost, o.is_open) AS is_lost,
            argMin((s.trace_id, s.span_id, s.service), (s.start_ns, s.trace_id, s.span_id)) AS root,
            argMax(
                (multiIf(s.workflow_outcome != '', toString(s.workflow_outcome), s.status = 'Error', 'failure',
                         s.status = 'Untold', '', 'success'),
                 toString(s.error_type), s.status_message),
                (s.end_ns, s.trace_id, s.span_id)) AS ending,
            argMinIf(s.workflow_plan, (s.start_ns, s.trace_id, s.span_id), notEmpty(s.workflow_plan)) AS plan,
            argMinOrNullIf(s.workflow_estimated_s, (s.start_ns, s.trace_id, s.span_id), s.workflow_estimated_s IS NOT NULL) AS estimated_s,
            argMaxOrNullIf(s.resilience_score, (s.end_ns, s.trace_id, s.span_id), s.resilience_score IS NOT NULL) AS resilience_score
        FROM work_opened AS o
        INNER JOIN work_spans AS s ON s.trace_id = o.trace_id AND s.span_id = o.span_id
        GROUP BY o.run_id
    ),
    spans AS
    (
        SELECT
            arrayJoin(runs) AS run,
            arraySort(groupUniqArray(trace_id)) AS trace_ids,
            arraySort(groupUniqArrayIf(agent, kind = 'agent')) AS agents,
            -- who queues a task says so at that moment, who works on it repeats it where the queue carried it over
            minOrNull(if(kind = 'queued', start_ns, toUnixTimestamp64Nano(queued_at))) AS queued_ns,
            countIf(NOT is_open AND NOT is_event) AS spans_seen,
            countIf(kind = 'agent' AND NOT is_open) AS agent_runs,
            countIf(kind = 'handoff' AND NOT is_open) AS handoffs,
            countIf(kind = 'tool') AS tool_calls,
            countIf(parent_missing AND NOT is_open AND NOT is_event) AS parents_missing,
            arraySort(groupUniqArrayIf(trace_id, trace_id IN (multi_root))) AS multi_root_traces,
            groupArrayIf((start_ns, end_ns), kind = 'human') AS waits,
            -- of a run whose opener cannot say how it ended: as the agent did that ended last, the outermost of them
            argMaxIf((if(status = 'Error', 'failure', 'success'), toString(error_type), status_message),
                (end_ns, -toInt64(depth), span_id), kind = 'agent' AND NOT is_open) AS last_agent,
            toUInt64(intervalLengthSumIf(start_ns, end_ns, kind IN ('workflow', 'agent', 'human'))
                - intervalLengthSumIf(start_ns, end_ns, kind IN ('agent', 'human'))) AS gap_ns,
            countIf(kind IN ('tool', 'retrieval', 'embedding') AND NOT delegates AND NOT coordinated
                OR (kind = 'agent' AND (trace_id, span_id) NOT IN (parents))) AS works,
            groupUniqArrayIf((if(task_id = '', span_id, task_id), task_estimated_cost_usd),
                task_estimated_cost_usd IS NOT NULL AND kind != 'queued') AS estimates,
            -- a dimension that the first opener does not say: the first span that does
            argMinIf(project, start_ns, project != '') AS some_project,
            argMinIf(feature, start_ns, feature != '') AS some_feature,
            argMinIf(session_id, (start_ns, session_id), session_id != '') AS some_session_id,
            argMinIf(conversation_id, (start_ns, conversation_id), conversation_id != '') AS some_conversation_id,
            argMinIf(user_id, (start_ns, user_id), user_id != '') AS some_user_id
        FROM work_spans
        GROUP BY run
    ),
    calls AS
    (
        SELECT
            arrayJoin(runs) AS run,
            count() AS llm_calls,
            countIf(is_call AND NOT coordinates) AS works,
            sumOrNull(input_tokens) AS input, sumOrNull(output_tokens) AS output,
            sumOrNull(cache_read_tokens) AS cache_read, sumOrNull(cache_write_tokens) AS cache_write,
            sumOrNull(reasoning_tokens) AS reasoning,
            sumOrNull(call_cost_usd) AS cost,
            count(call_cost_usd) AS priced,
            countIf(call_cost_usd IS NULL AND (has_usage OR model != '')) AS unpriced
        FROM work_calls
        GROUP BY run
    )
SELECT
    r.run_id, o.root.1, o.root.2, if(length(r.runs) > 1, r.runs[2], ''), s.trace_ids, o.implicit, o.root.3,
    if(r.project != '', r.project, s.some_project),
    r.workflow,
    if(r.feature != '', r.feature, s.some_feature),
    if(r.session_id != '', r.session_id, s.some_session_id),
    if(r.conversation_id != '', r.conversation_id, s.some_conversation_id),
    if(r.user_id != '', r.user_id, s.some_user_id),
    o.plan, s.agents, p.path,
    multiIf(o.is_open AND o.is_lost, 'lost', o.is_open, 'running', o.ending.1 != '', o.ending.1, s.last_agent.1 != '', s.last_agent.1, 'success'),
    multiIf(o.is_open, '', o.ending.1 != '', o.ending.2, s.last_agent.2),
    multiIf(o.is_open, '', o.ending.1 != '', o.ending.3, s.last_agent.3),
    fromUnixTimestamp64Nano(o.first_ns, 'UTC'), if(o.is_open, NULL, fromUnixTimestamp64Nano(o.last_ns, 'UTC')),
    if(s.queued_ns <= o.first_ns, fromUnixTimestamp64Nano(assumeNotNull(s.queued_ns), 'UTC'), NULL),
    if(o.is_open, NULL, toUInt64(o.last_ns - o.first_ns)) AS lasted_ns,
    lasted_ns - toUInt64(arrayReduce('intervalLengthSum',
        arrayMap(w -> greatest(w.1, o.first_ns), s.waits),
        arrayMap(w -> greatest(w.1, o.first_ns, least(w.2, o.last_ns)), s.waits))),
    if(o.is_open, NULL, agents.agent_time_ns + s.gap_ns),
    if(s.works + c.works > 0 AND NOT o.is_open, agents.coordination_ns + s.gap_ns, NULL),
    o.estimated_s, if(empty(s.estimates), NULL, arraySum(e -> assumeNotNull(e.2), s.estimates)), o.resilience_score,
    s.parents_missing, s.multi_root_traces,
    s.spans_seen, s.agent_runs, s.handoffs, c.llm_calls, s.tool_calls,
    c.input, c.output, c.cache_read, c.cache_write, c.reasoning, c.cost, c.priced, c.unpriced
FROM work_runs AS r
INNER JOIN opened AS o ON o.run_id = r.run_id
INNER JOIN spans AS s ON s.run = r.run_id
LEFT JOIN agents ON agents.run = r.run_id
LEFT JOIN calls AS c ON c.run = r.run_id
LEFT JOIN work_paths AS p ON p.run_id = r.run_id
