-- One row per fault, with what overcame it (see the table). A fault begins when a recorded one starts, or when the call
-- that failed has ended. A later success starts at that moment or after it; so does the call around a recorded fault
-- that succeeded all the same.
INSERT INTO new_faults
    (trace_id, span_id, run_id, agent_run, service, project, workflow, agent, feature, session_id, conversation_id,
     user_id, fault_id, fault_type, target, injected, severity, deadline_s, outcome, recovered_by, strategy,
     recovery_attempts, recovery_ns, within_deadline, started_at, ended_at, duration_ns)
WITH
    found AS
    (
        SELECT *,
            kind = 'fault' AS recorded,
            if(run_id = '', trace_id, run_id) AS scope,
            if(recorded, start_ns, end_ns) AS at_ns,
            multiIf(recorded, toString(fault_target), kind = 'tool', if(tool = '', name, toString(tool)), toString(model)) AS hit
        FROM work_spans
        LEFT JOIN
        (
            SELECT trace_id, span_id, fault_id, fault_type, fault_target, fault_injected, fault_severity, fault_deadline_s
            FROM work_base
            WHERE kind = 'fault'
        ) AS said USING (trace_id, span_id)
        WHERE kind = 'fault'
           OR (status = 'Error' AND NOT struck
               AND ((kind = 'tool' AND NOT delegates)
                    OR (trace_id, span_id) IN (SELECT trace_id, span_id FROM work_calls WHERE is_call)))
    ),
    successes AS
    (
        SELECT if(run_id = '', trace_id, run_id) AS scope, agent,
            multiIf(kind = 'tool', if(tool = '', name, toString(tool)), kind = 'agent', agent, toString(model)) AS target,
            kind = 'agent' AS is_agent, start_ns, end_ns, trace_id, span_id
        FROM work_spans
        WHERE status != 'Error' AND NOT is_open AND kind IN ('tool', 'llm', 'embedding', 'agent')
    ),
    recoveries AS
    (
        SELECT if(run_id = '', trace_id, run_id) AS scope, recovery_fault_id, ifNull(recovery_success, false) AS succeeded,
            toString(recovery_strategy) AS strategy, start_ns, end_ns
        FROM work_spans
        INNER JOIN
        (
            SELECT trace_id, span_id, recovery_fault_id, recovery_success, recovery_strategy FROM work_base WHERE kind = 'recovery'
        ) AS said USING (trace_id, span_id)
        WHERE kind = 'recovery'
    ),
    -- A recovery that names no fault belongs to the newest one of the run so far.
    tried AS
    (
        SELECT f.trace_id AS trace_id, f.span_id AS span_id, succeeded, strategy, end_ns
        FROM (SELECT * FROM recoveries WHERE recovery_fault_id = '') AS r
        ASOF INNER JOIN (SELECT trace_id, span_id, scope, at_ns FROM found) AS f
            ON r.scope = f.scope AND r.start_ns >= f.at_ns
        UNION ALL
        SELECT f.trace_id, f.span_id, r.succeeded, r.strategy, r.end_ns
        FROM (SELECT trace_id, span_id, scope, fault_id FROM found WHERE recorded AND fault_id != '') AS f
        INNER JOIN recoveries AS r ON r.scope = f.scope AND r.recovery_fault_id = f.fault_id
    ),
    overcome AS
    (
        SELECT trace_id, span_id, count() AS attempts, countIf(succeeded) AS successful,
            minIf(end_ns, succeeded) AS success_ns,
            argMinIf(strategy, (end_ns, strategy), succeeded) AS strategy
        FROM tried
        GROUP BY trace_id, span_id
    ),
    again AS
    (
        SELECT f.trace_id AS trace_id, f.span_id AS span_id, min(t.end_ns) AS success_ns
        FROM found AS f
        INNER JOIN successes AS t ON t.scope = f.scope AND t.target = f.hit
        WHERE (t.is_agent OR t.agent = f.agent) AND t.end_ns >= f.at_ns
          AND (t.start_ns >= f.at_ns OR (t.trace_id = f.trace_id AND t.span_id = f.hit_at))
          AND (t.trace_id, t.span_id) != (f.trace_id, f.span_id)
        GROUP BY trace_id, span_id
    ),
    -- What is overcome while the run goes on counts once it has ended: with the rest, or only luck would count.
    ended AS
    (
        SELECT run_id, outcome, toUnixTimestamp64Nano(assumeNotNull(ended_at)) AS run_end_ns FROM new_runs WHERE ended_at IS NOT NULL
    )
SELECT
    f.trace_id, f.span_id, f.run_id, f.agent_run, f.service, f.project, f.workflow, f.agent, f.feature, f.session_id,
    f.conversation_id, f.user_id, f.fault_id, if(f.recorded, f.fault_type, f.error_type), f.hit,
    f.recorded AND ifNull(f.fault_injected, true),
    if(f.fault_severity >= 0, assumeNotNull(f.fault_severity), 1) AS severity, f.fault_deadline_s,
    multiIf(ended.run_id = '', 'open', recovered_by != '', 'recovered', 'unrecovered') AS outcome,
    multiIf(o.successful > 0, 'recovery', g.span_id != '', 'success', ended.outcome = 'success', 'run', '') AS recovered_by,
    o.strategy, o.attempts,
    multiIf(
        outcome = 'open', NULL,
        recovered_by = 'recovery', toUInt64(greatest(0, o.success_ns - f.at_ns)),
        recovered_by = 'success', toUInt64(greatest(0, g.success_ns - f.at_ns)),
        recovered_by = 'run', toUInt64(greatest(0, ended.run_end_ns - f.at_ns)),
        NULL) AS recovery_ns,
    multiIf(
        outcome = 'open', NULL,
        outcome = 'unrecovered', false,
        f.fault_deadline_s IS NULL, true,
        recovery_ns <= f.fault_deadline_s * 1e9) AS within_deadline,
    f.started_at, fromUnixTimestamp64Nano(f.end_ns, 'UTC'), f.duration_ns
FROM found AS f
LEFT JOIN overcome AS o ON o.trace_id = f.trace_id AND o.span_id = f.span_id
LEFT JOIN again AS g ON g.trace_id = f.trace_id AND g.span_id = f.span_id
LEFT JOIN ended ON ended.run_id = f.run_id
