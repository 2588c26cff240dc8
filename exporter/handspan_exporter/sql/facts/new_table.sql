-- Room for the rows of one fact table as this tick finds them: its columns and types without the bookkeeping.
CREATE OR REPLACE TEMPORARY TABLE new_{{fact}} AS
SELECT * EXCEPT (revision, is_deleted) FROM {{fact}} LIMIT 0
