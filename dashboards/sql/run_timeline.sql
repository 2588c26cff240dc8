-- Who worked when, for a state timeline: 1 while an agent works, 2 while a run of it that will fail, 0 when it ends.
SELECT time, agent, state AS "Value"
FROM
(
    SELECT started_at AS time, agent, if(outcome = 'failure', 2, 1) AS state
    FROM agent_runs FINAL WHERE run_id = ${run:singlequote}
    UNION ALL
    SELECT ended_at AS time, agent, 0 AS state
    FROM agent_runs FINAL WHERE run_id = ${run:singlequote}
)
ORDER BY time, state
LIMIT 2000
