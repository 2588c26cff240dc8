-- Room for the rows of one fact table as this tick finds them.
CREATE TEMPORARY TABLE new_{{fact}} AS {{fact}} ENGINE = Memory
