        -- Which ended top runs are in A, which in B, or in both: windows, or values of the dimension {split:Identifier}.
        -- reads: runs
        -- used by: compare/groups
        SELECT
            *,
            ''              AS total,
            user_id         AS user,
            conversation_id AS conversation,
            toString({split:Identifier}) AS side,
            ended_at >= {since_a:DateTime64(9, 'UTC')} AND ended_at < {until_a:DateTime64(9, 'UTC')}
                AND (empty({values_a:Array(String)}) OR side IN {values_a:Array(String)}) AS in_a,
            ended_at >= {since_b:DateTime64(9, 'UTC')} AND ended_at < {until_b:DateTime64(9, 'UTC')}
                AND (empty({values_b:Array(String)}) OR side IN {values_b:Array(String)}) AS in_b
        FROM runs FINAL
        WHERE parent_run_id = ''
          AND (in_a OR in_b)
          AND
{{filters_runs}}
