-- Values of the variable "service": those of runs that facts still hold.
SELECT DISTINCT service FROM runs WHERE service != '' ORDER BY service LIMIT 1000
