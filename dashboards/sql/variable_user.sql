-- Values of the variable "user": those of runs that facts still hold; none is the choice of runs without one.
SELECT DISTINCT if(user_id = '', 'none', user_id) AS user FROM runs ORDER BY user LIMIT 1000
