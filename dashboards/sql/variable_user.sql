-- Values of the variable "user": those of runs that facts still hold.
SELECT DISTINCT user_id AS user FROM runs WHERE user_id != '' ORDER BY user LIMIT 1000
