-- Which schema files this store has. Created before all others, outside the numbering.
CREATE TABLE IF NOT EXISTS schema_migrations
(
    name       String,
    applied_at DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
ORDER BY name
