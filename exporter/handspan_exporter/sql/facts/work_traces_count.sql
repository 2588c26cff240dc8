-- How many traces this tick works on.
SELECT count() AS traces FROM work_traces
