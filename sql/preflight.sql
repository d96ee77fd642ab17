-- CREATE EXTENSION where the name "vector" is taken: one error, nothing left behind. psql shows the error whole.

\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE SCHEMA taken;
CREATE TABLE taken.vector (a int);
DROP EXTENSION medvec CASCADE;
CREATE EXTENSION medvec SCHEMA taken;
SELECT count(*) FROM pg_type WHERE typname = 'vector';

DO $$
BEGIN
	CREATE EXTENSION medvec SCHEMA taken;
EXCEPTION WHEN OTHERS THEN
	RAISE NOTICE '%', SQLSTATE;
END
$$;

-- elsewhere the name is free
CREATE SCHEMA "Other place";
CREATE EXTENSION medvec SCHEMA "Other place";
SELECT '[1,2]'::"Other place".vector OPERATOR("Other place".<->) '[1,3]';
DROP EXTENSION medvec;
DROP SCHEMA "Other place";
DROP SCHEMA taken CASCADE;
CREATE EXTENSION medvec;
