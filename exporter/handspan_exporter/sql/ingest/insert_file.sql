-- Take the rows of an Arrow file that the embedded engine can read. Rendered by store/connection.py.
INSERT INTO {{table}} ({{columns}})
FROM INFILE {{file}}
SETTINGS {{settings}}
FORMAT Arrow
