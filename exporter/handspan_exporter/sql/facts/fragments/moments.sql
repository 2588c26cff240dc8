    toUnixTimestamp64Nano(started_at) AS start_ns,
    start_ns + toInt64(duration_ns) AS end_ns,
    input_tokens IS NOT NULL OR output_tokens IS NOT NULL OR cost_usd IS NOT NULL AS has_usage,
    kind IN ('llm', 'embedding') AS is_call,
    position(span_id, '.') > 0 AS is_event,  -- see agent_spans
    if(rates_trace_id = '', resumes, arrayPushBack(resumes, rates_trace_id)) AS names,  -- other traces
    -- kpis.md "Run": a workflow span, or an agent span that is a trace root
    kind = 'workflow' OR (kind = 'agent' AND parent_span_id = '') AS opens
