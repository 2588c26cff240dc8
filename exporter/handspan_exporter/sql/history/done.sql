-- A bucket's history is written. With the revision that was due: if its facts changed meanwhile, a newer one stays.
INSERT INTO history_due (bucket, grain, revision, is_deleted)
SELECT toDateTime({bucket_s:Int64}, 'UTC'), {grain:String}, {revision:UInt64}, 1
