-- What span events say: steps of a session, decisions, messages between agents.
ALTER TABLE agent_spans ADD COLUMN IF NOT EXISTS session_impact Nullable(Float64) AFTER metric_value,
    ADD COLUMN IF NOT EXISTS session_cpu_ratio Nullable(Float64) AFTER session_impact,
    ADD COLUMN IF NOT EXISTS session_memory_bytes Nullable(UInt64) AFTER session_cpu_ratio,
    ADD COLUMN IF NOT EXISTS decision LowCardinality(String) AFTER session_memory_bytes,
    ADD COLUMN IF NOT EXISTS decision_choice String CODEC(ZSTD(1)) AFTER decision,
    ADD COLUMN IF NOT EXISTS decision_alternatives Array(String) AFTER decision_choice,
    ADD COLUMN IF NOT EXISTS decision_confidence Nullable(Float64) AFTER decision_alternatives,
    ADD COLUMN IF NOT EXISTS decision_reason String CODEC(ZSTD(1)) AFTER decision_confidence,
    ADD COLUMN IF NOT EXISTS message_source LowCardinality(String) AFTER decision_reason,
    ADD COLUMN IF NOT EXISTS message_target LowCardinality(String) AFTER message_source,
    ADD COLUMN IF NOT EXISTS message_type LowCardinality(String) AFTER message_target,
    ADD COLUMN IF NOT EXISTS message_payload_bytes Nullable(UInt64) AFTER message_type
