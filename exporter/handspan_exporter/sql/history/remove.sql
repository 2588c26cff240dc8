-- Groups that an earlier version of the bucket had and this one has not.
INSERT INTO kpi_history
SELECT * REPLACE ({version:UInt64} AS version, toUInt8(1) AS is_deleted)
FROM
(
    -- inside: beside REPLACE, `version` would mean the new one
    SELECT * FROM kpi_history FINAL
    WHERE kpi = {kpi:String} AND grain = {grain:String} AND bucket = toDateTime({bucket_s:Int64}, 'UTC')
      AND version < {version:UInt64}
)
