-- The limits of one request to the read-only endpoint, for its session alone. `readonly` comes last: it locks them.
-- The nice value puts a dashboard's threads behind the ingest's; 0 where threads may not come back from it.
SET max_execution_time = {{seconds}},
    max_memory_usage = {{memory_bytes}},
    max_result_bytes = {{result_bytes}},
    max_result_rows = {{result_rows}},
    max_threads = {{threads}},
    os_threads_nice_value_query = {{nice}},
    compile_aggregate_expressions = 0,
    compile_expressions = 0,
    result_overflow_mode = 'throw',
    timeout_overflow_mode = 'throw',
    timeout_before_checking_execution_speed = 0,
    max_bytes_before_external_group_by = 0,
    max_bytes_before_external_sort = 0,
    allow_introspection_functions = 0,
    session_timezone = 'UTC',
    {{asked}}
    readonly = 1
