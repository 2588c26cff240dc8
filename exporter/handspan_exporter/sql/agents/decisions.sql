-- Decisions of an actor in time order: recorded ones by their agent, handoffs by their source, checks by their validator (without one, by their
-- agent), and people's answers by the actor `human`. '' is every actor.
-- reads: decisions, handoffs, validations, human_waits
-- used by: handspan_exporter.Client.query_decisions_for_actor, GET /api/v1/decisions
SELECT
    concat(replaceOne(toString(ended_at), ' ', 'T'), 'Z') AS at,
    run_id,
    trace_id,
    span_id,
    actor,
    kind,
    decision,
    about,
    why,
    workflow
FROM
(
    SELECT
        ended_at, run_id, trace_id, span_id, toString(agent) AS actor, 'decision' AS kind,
        choice AS decision, toString(d.decision) AS about, reason AS why, toString(d.workflow) AS workflow
    FROM decisions AS d FINAL
    WHERE ended_at >= {since:DateTime64(9, 'UTC')} AND ended_at < {until:DateTime64(9, 'UTC')}
      AND indexHint(started_at >= {{earliest_decisions}} AND started_at < {until:DateTime64(9, 'UTC')})
      AND (empty({run:String}) OR run_id = {run:String})
      AND
{{filters_facts}}
    UNION ALL
    SELECT
        ended_at, run_id, trace_id, span_id, toString(source) AS actor, 'handoff' AS kind,
        toString(outcome) AS decision, toString(target) AS about, reason AS why, toString(h.workflow) AS workflow
    FROM handoffs AS h FINAL
    WHERE ended_at >= {since:DateTime64(9, 'UTC')} AND ended_at < {until:DateTime64(9, 'UTC')}
      AND indexHint(started_at >= {{earliest_handoffs}} AND started_at < {until:DateTime64(9, 'UTC')})
      AND (empty({run:String}) OR run_id = {run:String})
      AND
{{filters_facts}}
    UNION ALL
    SELECT
        ended_at, run_id, trace_id, span_id,
        toString(if(validator != '', validator, agent)), 'validation', toString(result), toString(validation), '',
        toString(v.workflow)
    FROM validations AS v FINAL
    WHERE ended_at >= {since:DateTime64(9, 'UTC')} AND ended_at < {until:DateTime64(9, 'UTC')}
      AND indexHint(started_at >= {{earliest_validations}} AND started_at < {until:DateTime64(9, 'UTC')})
      AND (empty({run:String}) OR run_id = {run:String})
      AND
{{filters_facts}}
    UNION ALL
    SELECT
        ended_at, run_id, trace_id, span_id, 'human', 'human', toString(decision), toString(agent), toString(reason),
        toString(w.workflow)
    FROM human_waits AS w FINAL
    WHERE ended_at >= {since:DateTime64(9, 'UTC')} AND ended_at < {until:DateTime64(9, 'UTC')}
      AND indexHint(started_at >= {{earliest_human_waits}} AND started_at < {until:DateTime64(9, 'UTC')})
      AND state = 'ended'
      AND (empty({run:String}) OR run_id = {run:String})
      AND
{{filters_facts}}
)
WHERE empty({actor:String}) OR actor = {actor:String}
ORDER BY at, trace_id, span_id
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
