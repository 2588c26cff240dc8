-- One measure of a KPI per closed hour or day, the newest version of each bucket.
-- reads: kpi_history
-- used by: handspan kpi --history, GET /api/v1/kpis/{name}/history
SELECT
    concat(replaceOne(toString(bucket), ' ', 'T'), 'Z') AS bucket_at,
    "group",
    value,
    n,
    low,
    high,
    reason
FROM kpi_history FINAL
WHERE kpi = {kpi:String}
  AND grain = {grain:String}
  AND grouping = {grouping:String}
  AND measure = {measure:String}
  AND bucket >= {since:DateTime64(9, 'UTC')}
  AND bucket < {until:DateTime64(9, 'UTC')}
  AND (empty({groups:Array(String)}) OR "group" IN {groups:Array(String)})
ORDER BY bucket, "group"
