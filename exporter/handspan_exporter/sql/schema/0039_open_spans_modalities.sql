-- The same columns, in the same order, as agent_spans.
ALTER TABLE open_spans ADD COLUMN IF NOT EXISTS modality_tokens Map(LowCardinality(String), UInt64) CODEC(ZSTD(1)) AFTER message_payload_bytes
