-- What the engine has read so far.
SELECT toUInt64(sum(value)) AS bytes FROM system.events WHERE event = 'SelectedBytes'
