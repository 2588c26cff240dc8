-- What the engine does by itself once a day has been quiet for two hours (migrations/settling).
OPTIMIZE TABLE {{table}} PARTITION ID '{{partition_id}}' FINAL
