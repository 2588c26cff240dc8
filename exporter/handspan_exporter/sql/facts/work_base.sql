-- Every span of the traces once, whatever was delivered twice.
CREATE TEMPORARY TABLE work_base AS
SELECT
    *,
{{moments}},
    toUInt8(0) AS is_open,
    toUInt8(0) AS is_lost
FROM
(
    SELECT * REPLACE (CAST(kind, 'String') AS kind)
    FROM agent_spans FINAL
    WHERE trace_id IN (SELECT trace_id FROM work_traces)
)
