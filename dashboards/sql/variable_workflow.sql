-- Values of the variable "workflow": those of runs that facts still hold.
SELECT DISTINCT workflow FROM runs WHERE workflow != '' ORDER BY workflow LIMIT 1000
