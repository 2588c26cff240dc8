-- Note idle traces that lack a span between their agent spans.
INSERT INTO trace_gaps
SELECT arrayJoin({trace_ids:Array(String)}), fromUnixTimestamp64Nano({now_ns:Int64}, 'UTC')
