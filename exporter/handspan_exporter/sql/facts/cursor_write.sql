-- Say how far the processor has come: every arrival before this moment is in the facts.
INSERT INTO processor_state
SELECT 'facts', fromUnixTimestamp64Nano({moment_ns:Int64}, 'UTC'), {revision:UInt64}
