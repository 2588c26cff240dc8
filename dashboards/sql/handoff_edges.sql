-- Edges of the node graph: the KPI `handoffs` by edge.
SELECT
    "group" AS id,
    splitByString(' > ', "group")[1] AS source,
    splitByString(' > ', "group")[2] AS target,
    handoffs AS mainstat,
    concat(toString(lost), ' lost, ', if(latency_p50_s IS NULL, 'latency unknown', concat(toString(round(latency_p50_s, 2)), ' s')),
        ', ', if(cost_usd IS NULL, 'cost unknown', concat(toString(round(toFloat64(cost_usd), 4)), ' USD'))) AS secondarystat,
    if(lost > 0, 'red', 'gray') AS color
FROM
(
{{handoffs.edge}}
)
WHERE "group" != ''
