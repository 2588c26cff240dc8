-- Agent spans made anew, before they replace the old ones.
CREATE TEMPORARY TABLE rebuilt AS SELECT * FROM agent_spans LIMIT 0
