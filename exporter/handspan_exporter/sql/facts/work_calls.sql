-- The calls of models, priced: of calls nested in one another (two instrumentors saw the same request) the innermost
-- with usage; a call without usage only where none below it and none that counts above it is one. Any other span
-- (agent, workflow, chain, ...) stands for calls nobody recorded if it reports usage or cost and no span below does.
CREATE TEMPORARY TABLE work_calls AS
WITH
    usage_below AS (SELECT trace_id, usage_above FROM work_spans WHERE has_usage AND usage_above != ''),
    call_below AS (SELECT trace_id, call_above FROM work_spans WHERE is_call AND call_above != ''),
    usage_call_below AS
    (
        SELECT trace_id, usage_call_above FROM work_spans WHERE is_call AND has_usage AND usage_call_above != ''
    )
SELECT s.*, c.cost_usd AS call_cost_usd, c.cost_source AS call_cost_source, c.price_version AS price_version,
    c.unknown_reason AS unknown_reason
FROM work_spans AS s
LEFT JOIN work_costs AS c ON c.trace_id = s.trace_id AND c.span_id = s.span_id
WHERE multiIf(
    s.is_call AND s.has_usage, (s.trace_id, s.span_id) NOT IN (usage_call_below),
    s.is_call,
        (s.trace_id, s.span_id) NOT IN (call_below)
        AND (s.usage_call_above = '' OR (s.trace_id, s.usage_call_above) IN (usage_call_below)),
    s.has_usage, (s.trace_id, s.span_id) NOT IN (usage_below),
    0)
