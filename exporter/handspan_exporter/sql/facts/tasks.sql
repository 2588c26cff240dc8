-- One row per task span: an attempt at a task.
INSERT INTO new_tasks (
{{dimensions}},
    task_id, task_type, task_domain, attempt, outcome, error_type, estimated_cost_usd, started_at, ended_at, duration_ns)
SELECT
{{dimensions}},
    task_id, task_type, task_domain, attempt, if(status = 'Error', 'failure', 'success'), error_type,
    task_estimated_cost_usd,
{{lasted}}
FROM work_spans
WHERE kind = 'task'
