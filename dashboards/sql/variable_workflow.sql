-- Values of the variable "workflow": those of runs that facts still hold; none is the choice of runs without one.
SELECT DISTINCT if(workflow = '', 'none', workflow) AS workflow FROM runs ORDER BY workflow LIMIT 1000
