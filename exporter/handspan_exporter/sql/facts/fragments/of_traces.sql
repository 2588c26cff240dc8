trace_id IN (SELECT trace_id FROM work_traces)
