-- Writes one more copy of every row of a database's table: ids made new, times moved by {seconds}.
INSERT INTO {{table}} ({{names}})
SELECT {{values}}
FROM {{from}}.{{table}}
