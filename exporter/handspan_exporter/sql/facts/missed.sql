-- Reconciliation: traces of which a span that came in [from, until) is not in the facts although all of that time is.
-- Only where that can be told: a trace that opens a run and is in none, or is the whole of its one run, which has
-- seen fewer spans than are stored. At most so many of the traces are looked at.
WITH
    recent AS
    (
        SELECT DISTINCT trace_id
        FROM trace_arrivals
        WHERE arrived_at >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
          AND arrived_at < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
          AND spans > 0
        ORDER BY trace_id
        LIMIT {most:UInt64}
    ),
    stored AS
    (
        SELECT
            trace_id,
            uniqExactIf(span_id, position(span_id, '.') = 0) AS spans,
            max(kind = 'workflow' OR (kind = 'agent' AND parent_span_id = '')) AS opens
        FROM agent_spans
        WHERE trace_id IN (recent) AND received_at < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
        GROUP BY trace_id
    ),
    seen AS
    (
        SELECT arrayJoin(trace_ids) AS trace_id, count() AS runs, max(length(trace_ids)) AS traces, sum(spans_seen) AS spans
        FROM runs FINAL
        WHERE parent_run_id = '' AND run_id IN (SELECT run_id FROM run_traces WHERE trace_id IN (recent))
        GROUP BY trace_id
    )
SELECT stored.trace_id AS trace_id
FROM stored
LEFT JOIN seen ON seen.trace_id = stored.trace_id
WHERE stored.opens AND (seen.runs = 0 OR (seen.runs = 1 AND seen.traces = 1 AND seen.spans < stored.spans))
ORDER BY trace_id
