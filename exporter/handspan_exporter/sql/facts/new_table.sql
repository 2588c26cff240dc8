-- Room for the rows of one fact table as this tick finds them: its columns and types without the bookkeeping.
CREATE TEMPORARY TABLE new_{{fact}} AS
SELECT * EXCEPT (revision, is_deleted) FROM {{fact}} LIMIT 0
