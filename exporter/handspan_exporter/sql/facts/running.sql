-- The traces of runs that have not ended: time alone may find them lost.
SELECT DISTINCT arrayJoin(trace_ids) AS trace_id FROM runs FINAL WHERE outcome = 'running'
