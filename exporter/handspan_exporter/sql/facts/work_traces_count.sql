-- How many traces this tick works on, and how many of their spans were announced while they were open.
SELECT
    count() AS traces,
    (SELECT count() FROM open_spans WHERE trace_id IN (SELECT trace_id FROM work_traces)) AS announced
FROM work_traces
