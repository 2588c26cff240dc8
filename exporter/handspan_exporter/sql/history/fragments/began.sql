    UNION ALL SELECT started_at FROM {{changed}}
