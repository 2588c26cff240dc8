-- Log records stored per interval, by severity.
SELECT $__timeInterval(Timestamp) AS time, if(SeverityText = '', 'none', SeverityText) AS severity, count() AS "Value"
FROM otel_logs
WHERE $__timeFilter(Timestamp)
GROUP BY time, severity
ORDER BY time
