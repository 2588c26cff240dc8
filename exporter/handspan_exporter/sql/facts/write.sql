-- Put the changes of one fact table into it.
INSERT INTO {{fact}} SELECT * FROM changed_{{fact}} WHERE is_deleted IN {deleted:Array(UInt8)}
