-- Which process has the span open (service.instance.id): when that is silent for long, the span is lost.
ALTER TABLE open_spans ADD COLUMN IF NOT EXISTS instance String CODEC(ZSTD(1)) AFTER received_at
