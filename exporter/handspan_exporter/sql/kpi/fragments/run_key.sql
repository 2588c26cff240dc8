    -- One row per group and run. A key of one string is hashed in half the time of one of two; the length keeps groups and
    -- runs apart.
    toString({by:Identifier}) AS of_group,
    if({by:String} = 'total', run_id, concat(toString(length(of_group)), ' ', of_group, run_id)) AS run_key
