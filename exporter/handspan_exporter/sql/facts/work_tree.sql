-- Every span's place: what is above it (nearest agent run, opener of a run, ...) and what it hands down (`..._at`:
-- the span itself or the nearest above that has it). A span whose parent is not stored is the root of its fragment.
-- Spans deeper than 990, and circles, get no row: they keep what they say themselves.
CREATE OR REPLACE TEMPORARY TABLE work_tree AS
WITH RECURSIVE tree AS
(
    SELECT
        trace_id, span_id,
        toUInt32(0) AS depth,
        parent_span_id != '' AND parent_span_id != span_id AS parent_missing,
        '' AS opener_above,
        '' AS agent_run,
        '' AS usage_above,       -- nearest span above with usage, of any kind
        '' AS call_above,        -- nearest call of a model above
        '' AS usage_call_above,  -- nearest call above that has usage
        CAST([], 'Array(String)') AS tools_above,         -- up to the next agent
        CAST([], 'Array(String)') AS workflow_ids_above,  -- of the openers
        if(opens, span_id, '') AS opener_at,
        if(opens, [workflow_id], CAST([], 'Array(String)')) AS workflow_ids_at,
        if(kind = 'agent', span_id, '') AS agent_at,
        agent_at AS topmost_agent_at,
        if(kind = 'agent', agent, '') AS agent_name_at,
        if(has_usage, span_id, '') AS usage_at,
        if(is_call, span_id, '') AS call_at,
        if(is_call AND has_usage, span_id, '') AS usage_call_at,
        if(kind = 'tool', [span_id], CAST([], 'Array(String)')) AS tools_at,
        workflow_id AS workflow_id_at,
        workflow AS workflow_at,
        project AS project_at,
        feature AS feature_at,
        session_id AS session_id_at,
        conversation_id AS conversation_id_at,
        user_id AS user_id_at
    FROM work_nodes
    WHERE parent_span_id = '' OR parent_span_id = span_id
       OR (trace_id, parent_span_id) NOT IN (SELECT trace_id, span_id FROM work_nodes)
    UNION ALL
    SELECT
        n.trace_id, n.span_id,
        t.depth + 1,
        0,
        t.opener_at,
        t.agent_at,
        t.usage_at,
        t.call_at,
        t.usage_call_at,
        t.tools_at,
        t.workflow_ids_at,
        if(n.opens, n.span_id, t.opener_at),
        if(n.opens, arrayPushBack(t.workflow_ids_at, n.workflow_id), t.workflow_ids_at),
        if(n.kind = 'agent', n.span_id, t.agent_at),
        if(t.topmost_agent_at = '' AND n.kind = 'agent', n.span_id, t.topmost_agent_at),
        if(n.kind = 'agent', n.agent, t.agent_name_at),
        if(n.has_usage, n.span_id, t.usage_at),
        if(n.is_call, n.span_id, t.call_at),
        if(n.is_call AND n.has_usage, n.span_id, t.usage_call_at),
        multiIf(n.kind = 'agent', [], n.kind = 'tool', arrayPushBack(t.tools_at, n.span_id), t.tools_at),
        if(n.workflow_id != '', n.workflow_id, t.workflow_id_at),
        if(n.workflow != '', n.workflow, t.workflow_at),
        if(n.project != '', n.project, t.project_at),
        if(n.feature != '', n.feature, t.feature_at),
        if(n.session_id != '', n.session_id, t.session_id_at),
        if(n.conversation_id != '', n.conversation_id, t.conversation_id_at),
        if(n.user_id != '', n.user_id, t.user_id_at)
    FROM work_nodes AS n
    INNER JOIN tree AS t ON n.trace_id = t.trace_id AND n.parent_span_id = t.span_id
    WHERE t.depth < 990 AND n.parent_span_id != n.span_id
)
SELECT * FROM tree
