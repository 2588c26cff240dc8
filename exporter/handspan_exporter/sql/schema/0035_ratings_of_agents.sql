-- What an agent's performance can be grouped by, of what was rated.
ALTER TABLE ratings ADD COLUMN IF NOT EXISTS task_domain LowCardinality(String) AFTER task_type,
    ADD COLUMN IF NOT EXISTS agent_version LowCardinality(String) AFTER task_domain
