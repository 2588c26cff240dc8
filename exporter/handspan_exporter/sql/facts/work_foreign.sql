-- Spans of others (HTTP, database, the user's own) that may lie between two agent spans; filled only for gaps.
CREATE TEMPORARY TABLE work_foreign (trace_id String, span_id String, parent_span_id String)
