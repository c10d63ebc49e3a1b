-- What every other file relies on: the extension, and its library in each new session of this database.
CREATE EXTENSION softdelete;
SELECT format('ALTER DATABASE %I SET session_preload_libraries = softdelete', current_database()) \gexec
