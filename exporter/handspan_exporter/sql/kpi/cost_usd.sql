-- kpi: cost of LLM calls that have a price; calls without one are counted beside it, never as 0
-- grain: one row in total; also per edge, model, provider
-- unit: USD
-- undefined when: no call is priced
-- groupings kept in history: total, service, project, workflow, agent, feature, user, model, edge
-- reads: llm_calls, handoffs
-- used by: handspan kpi, GET /api/v1/kpis/cost_usd, kpi_history
WITH
    calls AS
    (
        SELECT *
        FROM llm_calls FINAL
        WHERE ended_at >= {since:DateTime64(9, 'UTC')}
          AND ended_at < {until:DateTime64(9, 'UTC')}
          AND indexHint(started_at >= {{earliest_llm_calls}} AND started_at < {until:DateTime64(9, 'UTC')})
          -- Only whether a number is there is read.
          AND (NOT cost_usd.null OR model != '' OR NOT input_tokens.null OR NOT output_tokens.null)
          AND
{{filters_facts}}
    ),
{{dimensions_facts}},
    multiIf(
        started_by != '', started_by,
        agent_run = '', 'no agent',
        concat('entry > ', toString(agent))
    ) AS edge
SELECT
    toString({by:Identifier}) AS "group",
    sum(c.cost_usd) AS cost_usd,
    count(c.cost_usd) AS priced_calls,
    n - priced_calls AS unpriced_calls,
    count() AS n,
    CAST(NULL, 'Nullable(Float64)') AS low,
    CAST(NULL, 'Nullable(Float64)') AS high,
    multiIf(
        priced_calls > 0, '',
        n = 0, 'no LLM call in the window',
        concat('no call is priced: ', arrayStringConcat(arraySort(groupUniqArray(3)(unknown_reason)), ', '))
    ) AS reason
FROM
(
    -- A join takes longer than all else: it is made for edges alone.
    SELECT *, '' AS started_by
    FROM calls
    WHERE {by:String} != 'edge'
    UNION ALL
    SELECT c.*, h.started_by
    FROM (SELECT * FROM calls WHERE {by:String} = 'edge') AS c
    LEFT JOIN
    (
        -- Which handoff started an agent run.
        SELECT target_trace_id, target_span_id, argMin(concat(source, ' > ', target), started_at) AS started_by
        FROM handoffs FINAL
        WHERE {by:String} = 'edge' AND target_span_id != '' AND started_at < {until:DateTime64(9, 'UTC')}
        GROUP BY target_trace_id, target_span_id
    ) AS h ON c.trace_id = h.target_trace_id AND c.agent_run = h.target_span_id
) AS c
GROUP BY "group"
ORDER BY cost_usd DESC NULLS LAST, "group"
{{settings}}
