-- Price of what is written to a cache for an hour; empty: paid as other writes.
ALTER TABLE model_prices ADD COLUMN IF NOT EXISTS cache_write_1h Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER output_image
