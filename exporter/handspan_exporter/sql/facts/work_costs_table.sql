-- What each call of the runs at work cost, or why nobody knows. One row per span that is a call or reports usage.
CREATE TEMPORARY TABLE IF NOT EXISTS work_costs
(
    trace_id       String,
    span_id        String,
    cost_usd       Nullable(Decimal(18, 12)),  -- NULL: unknown, never 0
    cost_source    LowCardinality(String),     -- provider genai-prices custom, '' when unknown
    price_version  LowCardinality(String),     -- '' when the span said the cost itself
    unknown_reason LowCardinality(String)      -- '' when priced
)
