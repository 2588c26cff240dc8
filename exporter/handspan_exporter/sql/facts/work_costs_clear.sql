-- The table of the last tick must not price the spans of this one.
DROP TEMPORARY TABLE IF EXISTS work_costs
