-- What questions read of every call, made cheap to read: times of a day are no series within a part (its rows go by trace),
-- so that T64 packs them as small as Delta and ZSTD do and reads them in a fraction of the time; ids repeat, and LZ4 is enough.
ALTER TABLE llm_calls MODIFY COLUMN run_id CODEC(LZ4),
    MODIFY COLUMN started_at CODEC(T64),
    MODIFY COLUMN ended_at CODEC(T64),
    MODIFY COLUMN input_tokens CODEC(T64, LZ4),
    MODIFY COLUMN output_tokens CODEC(T64, LZ4),
    MODIFY COLUMN cache_read_tokens CODEC(T64, LZ4),
    MODIFY COLUMN cache_write_tokens CODEC(T64, LZ4),
    MODIFY COLUMN reasoning_tokens CODEC(T64, LZ4),
    MODIFY COLUMN cost_usd CODEC(T64, LZ4)
