-- Prices of sound and pictures; empty: paid as the kind of token that they are part of.
ALTER TABLE model_prices ADD COLUMN IF NOT EXISTS input_audio Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER reasoning,
    ADD COLUMN IF NOT EXISTS input_image Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER input_audio,
    ADD COLUMN IF NOT EXISTS cache_read_audio Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER input_image,
    ADD COLUMN IF NOT EXISTS cache_read_image Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER cache_read_audio,
    ADD COLUMN IF NOT EXISTS output_audio Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER cache_read_image,
    ADD COLUMN IF NOT EXISTS output_image Array(Tuple(above_tokens UInt64, usd_per_mtok Decimal(38, 18))) AFTER output_audio
