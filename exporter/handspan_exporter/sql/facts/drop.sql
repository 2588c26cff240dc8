-- The table of the last tick makes room for that of this one. (24.8 cannot CREATE OR REPLACE a temporary table.)
DROP TEMPORARY TABLE IF EXISTS {{table}}
