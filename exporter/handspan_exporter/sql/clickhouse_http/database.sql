-- The database that unqualified names mean, for the session of one request.
USE `{{database}}`
