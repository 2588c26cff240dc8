-- kpi: agent-time (without child agents and waits for people) within the window / the window, as a mean
--   over agents (service and name) seen in it; above 1 where an agent runs several times at once
-- grain: one row per agent
-- unit: ratio
-- undefined when: no agent ran
-- groupings kept in history: total, service, agent
-- reads: agent_runs, human_waits
-- used by: handspan kpi, GET /api/v1/kpis/agent_utilization_ratio, kpi_history
WITH
    toUnixTimestamp64Nano({since:DateTime64(9, 'UTC')}) AS since_ns,
    toUnixTimestamp64Nano({until:DateTime64(9, 'UTC')}) AS until_ns,
    over_an_end AS
    (
        SELECT trace_id, span_id,
            toUnixTimestamp64Nano(started_at) AS start_ns, toUnixTimestamp64Nano(ended_at) AS end_ns
        FROM agent_runs FINAL
        WHERE ended_at > {since:DateTime64(9, 'UTC')}
          AND started_at < {until:DateTime64(9, 'UTC')}
          AND (
              started_at >= {{earliest_agent_runs}} AND started_at < {since:DateTime64(9, 'UTC')}
              OR started_at >= {{unfinished_agent_runs}} AND ended_at > {until:DateTime64(9, 'UTC')}
          )
    ),
{{finite}}
SELECT
    -- Only a constant key gives a row without any data.
    if({by:String} = 'total', '', grouped) AS "group",
    if(n = 0, NULL, sum(busy_ns) / n / (until_ns - since_ns)) AS agent_utilization_ratio,
    finite(stddevSampStable(busy_ns / (until_ns - since_ns))) AS utilization_sd_ratio,
    maxOrNull(busy_ns / (until_ns - since_ns)) AS utilization_max_ratio,
    if(n = 0, NULL, sum(busy_ns) / 1e9) AS busy_s,
    count() AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    if(n > 0, '', 'no agent ran in the window') AS reason
FROM
(
    SELECT grouped, service, agent, sum(own_ns) AS busy_ns
    FROM
    (
        -- An agent run inside the window: its agent-time is what its facts say.
        WITH
{{dimensions_facts}}
        SELECT toString({by:Identifier}) AS grouped, service, agent, toInt64(agent_time_ns) AS own_ns
        FROM agent_runs FINAL
        WHERE ended_at > {since:DateTime64(9, 'UTC')}
          AND ended_at <= {until:DateTime64(9, 'UTC')}
          AND started_at >= {since:DateTime64(9, 'UTC')}
          AND started_at < {until:DateTime64(9, 'UTC')}
          AND
{{filters_facts}}
        UNION ALL
        -- One that reaches over an end of the window: what is within, and what children and people took of that.
        SELECT
            grouped,
            service,
            agent,
            least(a.end_ns, until_ns) - greatest(a.start_ns, since_ns) - toInt64(away.away_ns)
        FROM
        (
            WITH
{{dimensions_facts}}
            SELECT trace_id, span_id, toString({by:Identifier}) AS grouped, service, agent,
                toUnixTimestamp64Nano(started_at) AS start_ns, toUnixTimestamp64Nano(ended_at) AS end_ns
            FROM agent_runs FINAL
            WHERE ended_at > {since:DateTime64(9, 'UTC')}
              AND started_at < {until:DateTime64(9, 'UTC')}
              AND (
                  started_at >= {{earliest_agent_runs}} AND started_at < {since:DateTime64(9, 'UTC')}
                  OR started_at >= {{unfinished_agent_runs}} AND ended_at > {until:DateTime64(9, 'UTC')}
              )
              AND
{{filters_facts}}
        ) AS a
        LEFT JOIN
        (
            SELECT
                p.trace_id AS of_trace,
                p.span_id AS of_span,
                intervalLengthSum(
                    greatest(c.start_ns, p.start_ns, toUnixTimestamp64Nano({since:DateTime64(9, 'UTC')})),
                    least(c.end_ns, p.end_ns, toUnixTimestamp64Nano({until:DateTime64(9, 'UTC')}))
                ) AS away_ns
            FROM
            (
                SELECT trace_id, parent_agent_run AS parent,
                    toUnixTimestamp64Nano(started_at) AS start_ns, toUnixTimestamp64Nano(ended_at) AS end_ns
                FROM agent_runs FINAL
                WHERE parent_agent_run != ''
                  AND ended_at > {since:DateTime64(9, 'UTC')}
                  AND started_at >= {{earliest_agent_runs}}
                  AND started_at < {until:DateTime64(9, 'UTC')}
                  AND trace_id IN (SELECT trace_id FROM over_an_end)
                UNION ALL
                SELECT trace_id, agent_run, toUnixTimestamp64Nano(started_at), toUnixTimestamp64Nano(ended_at)
                FROM human_waits FINAL
                WHERE agent_run != ''
                  AND ended_at > {since:DateTime64(9, 'UTC')}
                  AND started_at >= {{earliest_human_waits}}
                  AND started_at < {until:DateTime64(9, 'UTC')}
                  AND trace_id IN (SELECT trace_id FROM over_an_end)
            ) AS c
            INNER JOIN over_an_end AS p ON p.trace_id = c.trace_id AND p.span_id = c.parent
            WHERE c.start_ns < p.end_ns AND c.end_ns > p.start_ns
            GROUP BY of_trace, of_span
        ) AS away ON away.of_trace = a.trace_id AND away.of_span = a.span_id
    ) AS own
    GROUP BY grouped, service, agent
    -- The constant key of a total must not make an agent where there is none.
    HAVING count() > 0
) AS by_agent
GROUP BY "group"
ORDER BY "group"
{{settings}}
