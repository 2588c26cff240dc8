-- Nodes of the node graph: every agent that ran, from the KPI `agent_performance`, and every end of a handoff.
SELECT
    id,
    id AS title,
    any(agent_runs_n) AS mainstat,
    any(cost) AS secondarystat,
    any(succeeded) AS arc__succeeded,
    any(failed_share) AS arc__failed
FROM
(
    SELECT
        "group" AS id,
        concat(toString(agent_runs), ' runs') AS agent_runs_n,
        if(cost_usd IS NULL, 'cost unknown', concat(toString(round(toFloat64(cost_usd), 4)), ' USD')) AS cost,
        success_ratio AS succeeded,
        1 - success_ratio AS failed_share
    FROM
    (
{{agent_performance.agent}}
    )
    WHERE agent_runs > 0
    UNION ALL
    SELECT arrayJoin(splitByString(' > ', "group")) AS id, 'no run seen', '', CAST(NULL, 'Nullable(Float64)'), CAST(NULL, 'Nullable(Float64)')
    FROM
    (
{{handoffs.edge}}
    )
    WHERE id NOT IN (SELECT "group" FROM (
{{agent_performance.agent}}
    ) WHERE agent_runs > 0)
)
WHERE id != ''
GROUP BY id
ORDER BY id
LIMIT 500
