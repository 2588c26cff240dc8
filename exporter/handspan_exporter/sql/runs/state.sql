-- One number that is another as soon as anything is stored, replaced or removed that an answer could show. Parts never
-- change, so their names tell; a merge gives a new number, too, for rows that stay the same. Reads metadata only.
-- reads: system.parts
-- used by: GET /api/v1, to give an answer again
SELECT toString(groupBitXor(sipHash64(table, name))) AS state
FROM system.parts
WHERE database = currentDatabase()
  AND active
  -- Written every minute or oftener, and read by no question.
  AND table NOT IN ('processor_state', 'leases', 'service_instances', 'trace_arrivals', 'history_due')
