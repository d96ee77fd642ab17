-- Run in the database of the isolation tests, before them. The variable `library` is the extension's library with stop
-- points.
ALTER DATABASE :"DBNAME" SET medvec.insert_level = 0;  -- chance decides nothing
CREATE EXTENSION medvec;
UPDATE pg_proc SET probin = :'library' WHERE probin = '$libdir/medvec';

-- Where sessions stop (src/core/stop_point.hpp), and who lets them go on.
CREATE FUNCTION stop(point text) RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_lock(hashtext(point))';
CREATE FUNCTION go(point text) RETURNS bool LANGUAGE sql AS 'SELECT pg_advisory_unlock(hashtext(point))';

-- What is wrong with the index on column v of a table. A scan must give each row once, in exact order: one that walks
-- alone, for which nodes must be in reach, and one that goes on with the whole index.
CREATE FUNCTION wrong(tab regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	query vector;
	exact int[];
	found int[];
	mode text;
	said text;
BEGIN
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true),
		set_config('hnsw.ef_search', '1000', true);
	FOREACH query IN ARRAY ARRAY['[0,0]', '[7,3]', '[90,100]']::vector[] LOOP
		EXECUTE format('SELECT array_agg(id ORDER BY v <-> $1, id) FROM (SELECT id, v FROM %s OFFSET 0) t', tab) INTO exact USING query;
		FOREACH mode IN ARRAY ARRAY['off', 'strict_order'] LOOP
			PERFORM set_config('hnsw.iterative_scan', mode, true);
			EXECUTE format('SELECT array_agg(id ORDER BY d, id) FROM (SELECT id, v <-> $1 AS d FROM %s ORDER BY v <-> $1) t', tab) INTO found USING query;
			IF exact IS DISTINCT FROM found THEN
				RETURN format('%s: of %s rows the index gives %s, without %s', mode, cardinality(exact), cardinality(found),
					ARRAY(SELECT unnest(exact) EXCEPT SELECT unnest(found) ORDER BY 1 LIMIT 5));
			END IF;
			EXECUTE format('SELECT count(*) FROM (SELECT d, lag(d) OVER () AS before FROM (SELECT v <-> $1 AS d FROM %s ORDER BY v <-> $1) t) t WHERE d < before', tab)
				INTO said USING query;
			IF said <> '0' THEN RETURN 'order'; END IF;
		END LOOP;
	END LOOP;
	SELECT string_agg(problem, E'\n') INTO said FROM hnsw_check((tab || '_v_idx')::regclass);
	RETURN said;
END $$;
