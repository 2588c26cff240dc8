-- Spans stored per interval, by service.
SELECT $__timeInterval(Timestamp) AS time, ServiceName AS service, count() AS "Value"
FROM otel_traces
WHERE $__timeFilter(Timestamp)
GROUP BY time, service
ORDER BY time
