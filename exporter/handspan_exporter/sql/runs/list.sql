-- Top runs in descending order of what {sort:String} names; unfinished ones are in every window that has not
-- ended before they began. {after_key} and {after_run} are the last row of the page before: '' begins at the first.
-- Which runs it has is found by what decides about that; all else is read for these alone.
-- reads: runs
-- used by: handspan runs list, GET /api/v1/runs
WITH
{{sort_key}}
SELECT
    run_id,
    workflow,
    outcome,
    service,
    project,
    feature,
    user_id,
    conversation_id,
    agents,
    path,
    concat(replaceOne(toString(started_at), ' ', 'T'), 'Z') AS started,
    concat(replaceOne(toString(ended_at), ' ', 'T'), 'Z') AS ended,
    duration_ns,
    agent_runs,
    handoffs,
    llm_calls,
    tool_calls,
    input_tokens,
    output_tokens,
    cost_usd,
    priced_calls,
    unpriced_calls,
    error_type,
    status_message,
    sort_key
FROM runs AS r FINAL
WHERE run_id IN
(
    WITH
{{sort_key}}
    SELECT run_id
    FROM runs AS r FINAL
    WHERE parent_run_id = ''
      AND (coalesce(ended_at, started_at) >= {since:DateTime64(9, 'UTC')} OR outcome = 'running')
      AND coalesce(ended_at, started_at) < {until:DateTime64(9, 'UTC')}
      AND (empty({status:Array(String)}) OR outcome IN {status:Array(String)})
      AND (isNull({min_cost_usd:Nullable(Decimal(18, 12))}) OR r.cost_usd >= {min_cost_usd:Nullable(Decimal(18, 12))})
      AND (
          {min_duration_ns:UInt64} = 0
          -- A run that goes on has lasted until the end of the window.
          OR ifNull(
              toInt64(r.duration_ns),
              toUnixTimestamp64Nano({until:DateTime64(9, 'UTC')}) - toUnixTimestamp64Nano(started_at)
          ) >= toInt64({min_duration_ns:UInt64})
      )
      AND (
          empty({text:String})
          OR arrayExists(
              one -> positionCaseInsensitiveUTF8(one, {text:String}) > 0,
              [run_id, toString(workflow), toString(project), toString(feature), path, toString(error_type),
               status_message, session_id, conversation_id]
          )
      )
      AND (
          empty({after_run:String})
          OR sort_key < {after_key:Int64}
          OR (sort_key = {after_key:Int64} AND run_id > {after_run:String})
      )
      AND
{{filters_runs}}
    ORDER BY sort_key DESC, run_id
    LIMIT {limit:UInt32}
)
ORDER BY sort_key DESC, run_id
SETTINGS optimize_move_to_prewhere_if_final = 1
