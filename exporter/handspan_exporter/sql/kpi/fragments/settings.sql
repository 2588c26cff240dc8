SETTINGS
    -- A replaced row never leaves its partition (D1).
    do_not_merge_across_partitions_select_final = 1,
    -- Without any data the total is one row that says so; a grouping has no row.
    empty_result_for_aggregation_by_constant_keys_on_empty_set = 0
