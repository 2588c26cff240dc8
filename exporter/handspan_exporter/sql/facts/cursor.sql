-- How far the processor had come when it last said so: with facts, with looking back; no rows in a new store.
SELECT name, toUnixTimestamp64Nano(moment) AS moment_ns FROM processor_state FINAL WHERE name IN ('facts', 'looked')
