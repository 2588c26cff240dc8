-- How far the processor had come when it last said so; no row in a new store.
SELECT toUnixTimestamp64Nano(moment) AS moment_ns FROM processor_state FINAL WHERE name = 'facts'
