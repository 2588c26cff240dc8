-- The traces of this tick, as given. Everything below reads this table.
CREATE TEMPORARY TABLE work_traces AS
SELECT DISTINCT arrayJoin({trace_ids:Array(String)}) AS trace_id
