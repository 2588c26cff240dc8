-- One row per span with time of its own on the critical path. What is no tool, handoff or wait is its agent's time.
INSERT INTO new_critical_paths (
{{dimensions}},
    part, name, critical_ns, started_at, ended_at, duration_ns)
SELECT
{{dimensions}},
    multiIf(kind = 'tool' AND NOT delegates, 'tool', kind IN ('handoff', 'human'), kind, agent != '', 'agent', 'workflow') AS part,
    multiIf(
        part = 'tool', if(tool = '', name, toString(tool)),
        part = 'handoff', concat(if(handoff_source = '', agent, toString(handoff_source)), ' > ', handoff_target),
        part = 'human', if(human_reason = '', name, toString(human_reason)),
        part = 'agent', agent,
        workflow),
    critical_ns,
{{lasted}}
FROM work_spans
WHERE critical_ns > 0
  -- A fragment whose upper part is lost has no path of its own: its run has one already.
  AND (trace_id, critical_at) IN (SELECT trace_id, span_id FROM work_opened WHERE above = '')
