    started_at, fromUnixTimestamp64Nano(end_ns, 'UTC'), duration_ns
