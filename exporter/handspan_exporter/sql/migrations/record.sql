-- Note that a schema file was applied.
INSERT INTO schema_migrations (name) SELECT {name:String}
