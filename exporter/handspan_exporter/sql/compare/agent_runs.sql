        -- Which agent runs are in A, which in B, or in both: windows, or values of the dimension {split:Identifier}.
        -- Only the days that reach into one of the windows are read, not those between.
        -- reads: agent_runs
        -- used by: compare/groups
        SELECT
            *,
{{dimensions_facts}},
            toString({split:Identifier}) AS side,
            ended_at >= {since_a:DateTime64(9, 'UTC')} AND ended_at < {until_a:DateTime64(9, 'UTC')}
                AND (empty({values_a:Array(String)}) OR side IN {values_a:Array(String)}) AS in_a,
            ended_at >= {since_b:DateTime64(9, 'UTC')} AND ended_at < {until_b:DateTime64(9, 'UTC')}
                AND (empty({values_b:Array(String)}) OR side IN {values_b:Array(String)}) AS in_b
        FROM agent_runs FINAL
        WHERE (in_a OR in_b)
          AND indexHint(
                  (started_at >= {{earliest_a}} AND started_at < {until_a:DateTime64(9, 'UTC')})
                  OR (started_at >= {{earliest_b}} AND started_at < {until_b:DateTime64(9, 'UTC')}))
          AND
{{filters_facts}}
