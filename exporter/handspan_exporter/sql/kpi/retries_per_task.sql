-- kpi: attempts beyond the first / tasks. A task is known by its id, on task spans and on agents; one
--   without an id is one task per first attempt
-- grain: one row in total; also per task_type, task_domain
-- unit: attempts per task
-- undefined when: no task was worked on
-- groupings kept in history: total, workflow, agent, task_type
-- reads: tasks, agent_runs
-- used by: handspan kpi, GET /api/v1/kpis/retries_per_task, kpi_history
WITH
    '' AS total
SELECT
    toString({by:Identifier}) AS "group",
    if(n = 0, NULL, retries / n) AS retries_per_task,
    uniqExactIf((task, attempt), attempt > 1) AS retries,
    maxOrNullIf(attempt, attempt > 0) AS attempts_max,
    uniqExactIf(task, task_id != '' OR attempt <= 1) AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no task in the window') AS reason
FROM
(
    SELECT
        *,
        user_id AS user,
        conversation_id AS conversation,
        if(task_id = '', concat(trace_id, span_id), task_id) AS task
    FROM
    (
        SELECT trace_id, span_id, service, project, workflow, agent, feature, user_id, conversation_id, task_id, task_type,
            task_domain, attempt
        FROM tasks FINAL
        WHERE ended_at >= {since:DateTime64(9, 'UTC')}
          AND ended_at < {until:DateTime64(9, 'UTC')}
          AND indexHint(started_at >= {{earliest_tasks}} AND started_at < {until:DateTime64(9, 'UTC')})
        UNION ALL
        SELECT trace_id, span_id, service, project, workflow, agent, feature, user_id, conversation_id, task_id, task_type,
            task_domain, attempt
        FROM agent_runs FINAL
        WHERE ended_at >= {since:DateTime64(9, 'UTC')}
          AND ended_at < {until:DateTime64(9, 'UTC')}
          AND indexHint(started_at >= {{earliest_agent_runs}} AND started_at < {until:DateTime64(9, 'UTC')})
          AND task_id != ''
    )
    WHERE
{{filters_facts}}
) AS attempts
GROUP BY "group"
ORDER BY "group"
{{settings}}
