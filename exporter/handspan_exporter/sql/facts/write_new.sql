-- Put the rows of one fact table into it, where it had none of these traces.
INSERT INTO {{fact}} SELECT * REPLACE ({revision:UInt64} AS revision) FROM new_{{fact}}
