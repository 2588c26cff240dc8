-- What a model cost on a day, as genai-prices says; asked once per (provider, model, day) as they stand on spans.
-- A price is a list of (from_tokens, usd_per_mtok): the last one whose from_tokens the request's input exceeds
-- counts for the whole request. Empty: this kind of token has no price of its own.
CREATE TABLE IF NOT EXISTS model_prices
(
    provider         LowCardinality(String),
    model            LowCardinality(String),
    day              Date,
    source           LowCardinality(String),  -- genai-prices custom
    price_version    LowCardinality(String),
    matched_provider LowCardinality(String),
    matched_model    LowCardinality(String),
    input            Array(Tuple(from_tokens UInt64, usd_per_mtok Decimal(18, 9))),
    cache_read       Array(Tuple(from_tokens UInt64, usd_per_mtok Decimal(18, 9))),
    cache_write      Array(Tuple(from_tokens UInt64, usd_per_mtok Decimal(18, 9))),
    output           Array(Tuple(from_tokens UInt64, usd_per_mtok Decimal(18, 9))),
    usd_per_krequest Decimal(18, 9),
    unknown_reason   LowCardinality(String),  -- '' when there is a price
    asked_at         DateTime64(9, 'UTC')
)
ENGINE = ReplacingMergeTree(asked_at)
ORDER BY (provider, model, day)
SETTINGS non_replicated_deduplication_window = 1000
