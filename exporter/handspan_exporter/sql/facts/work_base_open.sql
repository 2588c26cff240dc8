-- Add the spans that have begun and not ended. Lost are those open since long ago, and those whose process is silent.
INSERT INTO work_base
SELECT
    * EXCEPT (instance, last_ns),
{{moments}},
    toUInt8(1) AS is_open,
    toUInt8(start_ns <= {lost_if_open_since_ns:Int64}
        OR greatest(last_ns, toUnixTimestamp64Nano(received_at)) <= {lost_if_silent_since_ns:Int64}) AS is_lost
FROM
(
    SELECT o.*, seen.last_ns AS last_ns
    FROM
    (
        SELECT * REPLACE (CAST(kind, 'String') AS kind)
        FROM open_spans FINAL
        WHERE trace_id IN (SELECT trace_id FROM work_traces)
          AND (trace_id, span_id) NOT IN (SELECT trace_id, span_id FROM work_base)
    ) AS o
    LEFT JOIN
    (
        SELECT service, instance, toUnixTimestamp64Nano(max(seen_at)) AS last_ns
        FROM service_instances
        GROUP BY service, instance
    ) AS seen ON seen.service = o.service AND seen.instance = o.instance
)
