-- Whether the fact table has rows of these traces.
SELECT '{{fact}}' AS fact FROM (SELECT {{key}} FROM {{fact}} FINAL WHERE {{scope}} LIMIT 1)
