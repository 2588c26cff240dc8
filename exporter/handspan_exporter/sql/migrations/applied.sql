-- The schema files that this store has.
SELECT DISTINCT name FROM schema_migrations ORDER BY name
