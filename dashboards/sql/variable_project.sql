-- Values of the variable "project": those of runs that facts still hold; none is the choice of runs without one.
SELECT DISTINCT if(project = '', 'none', project) AS project FROM runs ORDER BY project LIMIT 1000
