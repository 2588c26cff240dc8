-- The raw spans that were read again.
CREATE TEMPORARY TABLE reread (trace_id String, span_id String)
