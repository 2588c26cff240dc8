-- Tokens that are sound or pictures, parts of the others: input_audio input_image output_audio output_image
-- cache_read_audio cache_read_image.
ALTER TABLE agent_spans ADD COLUMN IF NOT EXISTS modality_tokens Map(LowCardinality(String), UInt64) CODEC(ZSTD(1)) AFTER message_payload_bytes
