-- How many spans are stored, agent work or not: a count of the parts, not of rows.
-- reads: otel_traces
-- used by: handspan kpi, handspan runs list, GET /api/v1/health
SELECT count() AS spans FROM otel_traces
