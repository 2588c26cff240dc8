-- What differs from the fact table: rows that are new or changed, and, deleted, rows that are no longer found.
-- Writing nothing else keeps parts small, and tells history which hours changed.
CREATE TEMPORARY TABLE changed_{{fact}} AS
WITH old AS (SELECT * EXCEPT (revision, is_deleted) FROM {{fact}} FINAL WHERE {{scope}})
SELECT *, {revision:UInt64} AS revision, toUInt8(0) AS is_deleted
FROM (SELECT * EXCEPT (revision, is_deleted) FROM new_{{fact}} EXCEPT SELECT * FROM old)
UNION ALL
SELECT *, {revision:UInt64} AS revision, toUInt8(1) AS is_deleted
FROM old
WHERE ({{key}}) NOT IN (SELECT {{key}} FROM new_{{fact}})
