-- Values of the variable "service": those of runs that facts still hold; none is the choice of runs without one.
SELECT DISTINCT if(service = '', 'none', service) AS service FROM runs ORDER BY service LIMIT 1000
