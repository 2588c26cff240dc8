-- Values of the variable "feature": those of runs that facts still hold.
SELECT DISTINCT feature FROM runs WHERE feature != '' ORDER BY feature LIMIT 1000
