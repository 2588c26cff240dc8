-- As 0044.
ALTER TABLE agent_runs MODIFY COLUMN run_id CODEC(LZ4),
    MODIFY COLUMN started_at CODEC(T64),
    MODIFY COLUMN ended_at CODEC(T64),
    MODIFY COLUMN input_tokens CODEC(T64, LZ4),
    MODIFY COLUMN output_tokens CODEC(T64, LZ4),
    MODIFY COLUMN cost_usd CODEC(T64, LZ4)
