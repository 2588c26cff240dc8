-- What the loop must remember of each trace: when it began, and whether time alone may change its facts (an agent
-- without a run may become one; a span above that is not stored may come later; what is open may be lost).
SELECT
    trace_id,
    min(start_ns) AS began_ns,
    max(toUnixTimestamp64Nano(received_at)) AS received_ns,
    count() AS spans,
    max((kind = 'agent' AND run_id = '') OR in_gap) AS unsettled,
    max(in_gap) AS gap,
    max(is_open AND NOT is_lost) AS open
FROM work_spans
GROUP BY trace_id
