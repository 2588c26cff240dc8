run_id IN (SELECT run_id FROM run_traces WHERE trace_id IN (SELECT trace_id FROM work_traces))
