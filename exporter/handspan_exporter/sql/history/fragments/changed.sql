    UNION ALL SELECT ended_at FROM {{changed}}
