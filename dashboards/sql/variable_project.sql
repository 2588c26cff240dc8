-- Values of the variable "project": those of runs that facts still hold.
SELECT DISTINCT project FROM runs WHERE project != '' ORDER BY project LIMIT 1000
