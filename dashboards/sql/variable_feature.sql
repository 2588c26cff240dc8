-- Values of the variable "feature": those of runs that facts still hold; none is the choice of runs without one.
SELECT DISTINCT if(feature = '', 'none', feature) AS feature FROM runs ORDER BY feature LIMIT 1000
