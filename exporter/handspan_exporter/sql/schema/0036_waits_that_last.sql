-- A wait that has begun and not ended has a row, too; it says when it began in place of when it ended.
ALTER TABLE human_waits ADD COLUMN IF NOT EXISTS state LowCardinality(String) DEFAULT 'ended' AFTER decision  -- ended waiting lost
