-- The index's place among the database's objects and roles: dependencies, privileges, row security.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

SELECT proname, pg_get_function_identity_arguments(oid), prorettype::regtype FROM pg_proc
	WHERE proname LIKE 'hnsw%handler' OR proname LIKE 'hnsw%support' ORDER BY 1;

CREATE TABLE items (id int, owner text, v vector(3));
INSERT INTO items SELECT i, CASE i % 10 WHEN 0 THEN 'regress_hnsw_reader' ELSE 'other' END, ARRAY[i, i, i] FROM generate_series(1, 500) i;
CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
ANALYZE items;

-- dependencies
DO $$ BEGIN DROP EXTENSION medvec; EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END $$;
DO $$ BEGIN DROP ACCESS METHOD hnsw; EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END $$;
DO $$ BEGIN DROP OPERATOR CLASS vector_l2_ops USING hnsw; EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END $$;
SET client_min_messages = warning;
BEGIN;
DROP EXTENSION medvec CASCADE;
SELECT to_regclass('items'), to_regclass('items_v');
ROLLBACK;
RESET client_min_messages;
SELECT pg_temp.against_exact('SELECT id, v <-> ''[7,7,7]'' FROM items ORDER BY v <-> ''[7,7,7]'' LIMIT 5');

-- a role without privileges makes and uses indexes of its own tables
CREATE ROLE regress_hnsw_reader;
CREATE SCHEMA regress_hnsw AUTHORIZATION regress_hnsw_reader;
SET ROLE regress_hnsw_reader;
CREATE TABLE regress_hnsw.own (id int, v vector(2));
CREATE INDEX own_v ON regress_hnsw.own USING hnsw (v vector_cosine_ops) WITH (m = 8);
INSERT INTO regress_hnsw.own VALUES (1, '[1,2]'), (2, '[2,1]');
SET enable_seqscan = off;
SELECT id FROM regress_hnsw.own ORDER BY v <=> '[1,2]' LIMIT 1;
SET hnsw.ef_search = 1000;
REINDEX INDEX regress_hnsw.own_v;
VACUUM regress_hnsw.own;
-- and not those of others
SELECT id FROM items ORDER BY v <-> '[7,7,7]' LIMIT 1;
CREATE INDEX ON items USING hnsw (v vector_l2_ops);
DROP INDEX items_v;
CREATE ACCESS METHOD another TYPE INDEX HANDLER hnsw_handler;
RESET ROLE;

-- row security holds in index scans, and a LIMIT is filled with the rows that may be seen
ALTER TABLE items ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON items TO regress_hnsw_reader USING (owner = current_user);
GRANT SELECT ON items TO regress_hnsw_reader;
SET ROLE regress_hnsw_reader;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <-> '[7,7,7]' LIMIT 4;
SELECT id FROM items ORDER BY v <-> '[7,7,7]' LIMIT 4;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> '[7,7,7]' LIMIT 1000) s;
RESET ROLE;
SELECT id FROM items ORDER BY v <-> '[7,7,7]' LIMIT 1;

-- another schema than the extension's: operators are named in full
SET search_path = pg_catalog;
SELECT id FROM public.items ORDER BY v OPERATOR(public.<->) '[7,7,7]'::public.vector LIMIT 1;
CREATE INDEX other_v ON public.items USING hnsw (v public.vector_cosine_ops);
RESET search_path;
SELECT pg_get_indexdef('other_v'::regclass);

DROP TABLE items;
DROP SCHEMA regress_hnsw CASCADE;
DROP ROLE regress_hnsw_reader;
