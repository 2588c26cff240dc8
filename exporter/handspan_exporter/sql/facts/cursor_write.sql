-- Say how far the processor has come: every arrival before this moment is in the facts, or was looked back at.
INSERT INTO processor_state
SELECT {name:String}, fromUnixTimestamp64Nano({moment_ns:Int64}, 'UTC'), {revision:UInt64}
