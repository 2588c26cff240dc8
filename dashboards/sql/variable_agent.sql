-- Values of the variable "agent": those of runs that facts still hold.
SELECT DISTINCT arrayJoin(agents) AS agent FROM runs WHERE agent != '' ORDER BY agent LIMIT 1000
