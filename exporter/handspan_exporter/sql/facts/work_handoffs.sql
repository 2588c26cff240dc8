-- Each handoff with the span it started (kpis.md "handoff_loss_ratio"): in time order, the first unmatched span of
-- that target in the run that starts at or after it. One that says it was refused or lost started none.
-- With handoffs counted i = 0, 1, ... and `before` = targets that start earlier, handoff i takes target number
-- i + max(before - i over the handoffs up to it): the next one, or the first that starts late enough.
CREATE TEMPORARY TABLE work_handoffs AS
WITH
    moments AS
    (
        SELECT if(run_id = '', trace_id, run_id) AS scope,
            if(handoff_target_type = '', 'agent', toString(handoff_target_type)) AS type,
            if(type = 'human', '', toString(handoff_target)) AS target,
            start_ns, 1 AS is_handoff, 0 AS is_target, trace_id, span_id
        FROM work_spans
        WHERE kind = 'handoff' AND NOT is_open AND handoff_outcome NOT IN ('refused', 'lost')
        UNION ALL
        SELECT if(run_id = '', trace_id, run_id), kind,
            multiIf(kind = 'agent', agent, kind = 'workflow', workflow, ''),
            start_ns, 0, 1, trace_id, span_id
        FROM work_spans
        WHERE kind IN ('agent', 'human', 'workflow')
    ),
    counted AS
    (
        SELECT *,
            toInt64(sum(is_target) OVER w) - is_target AS before,
            toInt64(sum(is_handoff) OVER w) - 1 AS i
        FROM moments
        WINDOW w AS (PARTITION BY scope, type, target ORDER BY start_ns, is_target, trace_id, span_id
                     ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ),
    taken AS
    (
        SELECT *,
            i + max(before - i) OVER (PARTITION BY scope, type, target ORDER BY i
                                      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS number
        FROM counted
        WHERE is_handoff
    )
SELECT
    h.trace_id AS trace_id, h.span_id AS span_id,
    t.trace_id AS target_trace_id, t.span_id AS target_span_id,
    toUInt64(t.start_ns - h.start_ns) AS latency_ns
FROM taken AS h
INNER JOIN counted AS t
    ON t.scope = h.scope AND t.type = h.type AND t.target = h.target AND t.before = h.number
WHERE t.is_target
