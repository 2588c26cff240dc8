-- As 0044.
ALTER TABLE critical_paths MODIFY COLUMN run_id CODEC(LZ4),
    MODIFY COLUMN started_at CODEC(T64),
    MODIFY COLUMN ended_at CODEC(T64),
    MODIFY COLUMN critical_ns CODEC(T64, LZ4)
