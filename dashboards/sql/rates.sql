-- Every rate of the service in one table: headline, 95 % interval, n, and why one is unknown.
SELECT rate, value, low, high, n, reason
FROM
(
    SELECT 0 AS place, 'Runs that succeed' AS rate, workflow_success_ratio AS value, low, high, toUInt64(n) AS n, reason FROM ({{workflow_success_ratio.total}})
    UNION ALL SELECT 1 AS place, 'Calls with a known price' AS rate, cost_coverage_ratio AS value, low, high, toUInt64(n) AS n, reason FROM ({{cost_coverage_ratio.total}})
    UNION ALL SELECT 2 AS place, 'Handoffs that get lost' AS rate, handoff_loss_ratio AS value, low, high, toUInt64(n) AS n, reason FROM ({{handoff_loss_ratio.total}})
    UNION ALL SELECT 3 AS place, 'Handoffs that bounce back' AS rate, ping_pong_ratio AS value, low, high, toUInt64(n) AS n, reason FROM ({{ping_pong_ratio.total}})
    UNION ALL SELECT 4 AS place, 'Model calls that fail' AS rate, llm_error_ratio AS value, low, high, toUInt64(n) AS n, reason FROM ({{llm_error_ratio.total}})
    UNION ALL SELECT 5 AS place, 'Tool calls that fail' AS rate, tool_error_ratio AS value, low, high, toUInt64(n) AS n, reason FROM ({{tool_error_ratio.total}})
    UNION ALL SELECT 6 AS place, 'Faults that are overcome' AS rate, fault_recovery_ratio AS value, low, high, toUInt64(n) AS n, reason FROM ({{fault_recovery_ratio.total}})
    UNION ALL SELECT 7 AS place, 'Checks that pass' AS rate, validation_pass_ratio AS value, low, high, toUInt64(n) AS n, reason FROM ({{validation_pass_ratio.total}})
    UNION ALL SELECT 8 AS place, 'Work that critics reject' AS rate, critic_rejection_ratio AS value, low, high, toUInt64(n) AS n, reason FROM ({{critic_rejection_ratio.total}})
    UNION ALL SELECT 9 AS place, 'Spans whose parent arrived' AS rate, trace_completeness_ratio AS value, low, high, toUInt64(n) AS n, reason FROM ({{trace_completeness_ratio.total}})
)
ORDER BY place
