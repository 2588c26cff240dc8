-- The parts whose rows are in agent_spans.
SELECT part, partition_id, first, last, rows FROM attached_parts FINAL WHERE source = {source:String}
