-- What a model cost, as genai-prices says; asked once per (provider, model, day) as they stand on spans.
-- A day has one row from 00:00 UTC, and one more from each second at which a price by the time of day changes.
-- A price is a list of (above_tokens, usd_per_mtok), ascending: the first is the base, and the last one whose
-- above_tokens the request's whole input exceeds counts for the whole request. Empty: such tokens have no price
-- of their own; cached ones then cost what input costs, reasoning ones what output costs.
CREATE TABLE IF NOT EXISTS model_prices
(
    provider         LowCardinality(String),
    model            LowCardinality(String),
    day              Date,
    from_s           UInt32,                  -- second of the day, UTC
    source           LowCardinality(String),  -- genai-prices custom
    price_version    LowCardinality(String),
    matched_provider LowCardinality(String),
    matched_model    LowCardinality(String),
    input            Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))),
    cache_read       Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))),
    cache_write      Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))),
    output           Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))),
    reasoning        Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))),
    usd_per_krequest Decimal(38, 18),
    unknown_reason   LowCardinality(String),  -- '' when there is a price
    asked_at         DateTime64(9, 'UTC')
)
ENGINE = ReplacingMergeTree(asked_at)
ORDER BY (provider, model, day, from_s)
SETTINGS non_replicated_deduplication_window = 1000
