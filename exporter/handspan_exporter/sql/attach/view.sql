-- The name by which everything else reads the attached table. A plain view: it has no part in their inserts.
CREATE OR REPLACE VIEW `{{name}}` AS SELECT * FROM `{{database}}`.`{{table}}`
