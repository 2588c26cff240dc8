-- What each agent achieved with each type of task: counts that add up over types.
-- reads: agent_runs
-- used by: handspan best-agent, GET /api/v1/agents/best
SELECT
    agent,
    task_type,
    countIf(outcome = 'success') AS successful,
    countIf(outcome IN ('success', 'failure')) AS n,
    countIf(outcome = 'success' AND recent) AS recent_successful,
    countIf(outcome IN ('success', 'failure') AND recent) AS recent_n,
    sum(a.duration_ns) AS total_duration_ns,
    count() AS agent_runs
FROM
(
    SELECT
        *,
        ended_at >= {recent:DateTime64(9, 'UTC')} AS recent
    FROM agent_runs FINAL
    WHERE ended_at >= {since:DateTime64(9, 'UTC')}
      AND ended_at < {until:DateTime64(9, 'UTC')}
      AND indexHint(started_at >= {{earliest_agent_runs}} AND started_at < {until:DateTime64(9, 'UTC')})
      AND agent != ''
      AND (empty({domain:String}) OR task_domain = {domain:String})
      AND (empty({task_type:String}) OR task_type = {task_type:String})
      AND
{{filters_facts}}
) AS a
GROUP BY agent, task_type
ORDER BY agent, task_type
SETTINGS do_not_merge_across_partitions_select_final = 1
