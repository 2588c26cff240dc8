-- From when to when a trace has spans, where the other writer keeps no such table.
CREATE OR REPLACE VIEW otel_traces_trace_id_ts AS
SELECT TraceId, CAST(min(Timestamp), 'DateTime') AS Start, CAST(max(Timestamp), 'DateTime') AS End
FROM `{{database}}`.`{{table}}`
GROUP BY TraceId
