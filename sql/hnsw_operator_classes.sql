-- What the catalogs promise, and each operator class against exact search.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

SELECT amtype, amhandler FROM pg_am WHERE amname = 'hnsw';
SELECT property, pg_indexam_has_property(am.oid, property)
	FROM pg_am am, unnest('{can_order,can_unique,can_multi_col,can_exclude,can_include}'::text[]) property
	WHERE amname = 'hnsw';
SELECT opcname, opcintype::regtype, opcdefault, opckeytype, opfname
	FROM pg_opclass JOIN pg_opfamily f ON f.oid = opcfamily JOIN pg_am am ON am.oid = opcmethod
	WHERE amname = 'hnsw' ORDER BY opcname;
SELECT opfname, amopstrategy, amoppurpose, amopopr::regoperator,
		(SELECT opfname FROM pg_opfamily WHERE oid = amopsortfamily) AS sort_family
	FROM pg_amop JOIN pg_opfamily f ON f.oid = amopfamily JOIN pg_am am ON am.oid = amopmethod
	WHERE amname = 'hnsw' AND (amoppurpose = 'o' OR amoprighttype = 'record'::regtype) ORDER BY opfname, amopstrategy;
-- operators of filter columns are those of B-tree's classes, or of GIN's for arrays; none is missing in a family
CREATE TEMPORARY VIEW operators AS
	SELECT amname, opfname, amopstrategy, amopopr::regoperator::text AS operator
	FROM pg_amop JOIN pg_opfamily f ON f.oid = amopfamily JOIN pg_am am ON am.oid = amopmethod WHERE amoppurpose = 's' AND amoprighttype <> 'record'::regtype;
SELECT opfname, count(*) FROM operators WHERE amname = 'hnsw' GROUP BY 1 ORDER BY 1;
SELECT operator FROM operators h WHERE amname = 'hnsw' AND NOT EXISTS (
	SELECT FROM operators b WHERE b.operator = h.operator AND b.amopstrategy = h.amopstrategy
		AND b.amname = CASE h.opfname WHEN 'array_ops' THEN 'gin' ELSE 'btree' END);
SELECT operator FROM operators b WHERE amname = 'btree' AND opfname IN ('integer_ops', 'float_ops', 'datetime_ops')
	AND NOT EXISTS (SELECT FROM operators h WHERE h.operator = b.operator AND h.amname = 'hnsw');
SELECT opfname, amprocnum, amproc::regprocedure
	FROM pg_amproc JOIN pg_opfamily f ON f.oid = amprocfamily JOIN pg_am am ON am.oid = opfmethod
	WHERE amname = 'hnsw' ORDER BY opfname, amprocnum, amproc::regprocedure::text COLLATE "C";
SELECT opcname, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am am ON am.oid = opcmethod WHERE amname = 'hnsw' ORDER BY 1;

-- 300 rows with coordinates of both signs, 5 zero vectors, 5 NULLs
CREATE TABLE items (id int PRIMARY KEY, v vector(5));
INSERT INTO items SELECT i, pg_temp.uniform(i, 5) * '[9,9,9,9,9]' - '[4,4,4,4,4]' FROM generate_series(1, 300) i;
INSERT INTO items SELECT i, '[0,0,0,0,0]' FROM generate_series(301, 305) i;
INSERT INTO items SELECT i, NULL FROM generate_series(306, 310) i;
SET hnsw.ef_search = 400;

CREATE INDEX by_l2 ON items USING hnsw (v vector_l2_ops);
CREATE INDEX by_ip ON items USING hnsw (v vector_ip_ops);
CREATE INDEX by_cosine ON items USING hnsw (v vector_cosine_ops);
CREATE INDEX by_l1 ON items USING hnsw (v vector_l1_ops);
SELECT index, property, pg_index_column_has_property(index::regclass, 1, property),
		pg_index_has_property(index::regclass, 'index_scan') AS index_scan,
		pg_index_has_property(index::regclass, 'bitmap_scan') AS bitmap_scan,
		pg_index_has_property(index::regclass, 'backward_scan') AS backward_scan
	FROM unnest('{by_l2}'::text[]) index,
		unnest('{asc,orderable,distance_orderable,returnable,search_array,search_nulls}'::text[]) property;

SELECT operator, round(x::numeric, 1) AS x, pg_temp.against_exact(format(
		'SELECT id, v %1$s ''[%2$s,1,-2,0.5,3]'' AS d FROM items WHERE v IS NOT NULL AND vector_norm(v) > 0 ORDER BY v %1$s ''[%2$s,1,-2,0.5,3]'' LIMIT 300',
		operator, x))
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator, unnest('{0.1,-7}'::float8[]) x ORDER BY operator, x;
-- the other way round, and each by its own index
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY '[1,1,1,1,1]' <-> v LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <#> '[1,1,1,1,1]' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <=> '[1,1,1,1,1]' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <+> '[1,1,1,1,1]' LIMIT 1;
DROP INDEX by_l2;
SELECT pg_temp.plan('SELECT id FROM items ORDER BY v <-> ''[1,1,1,1,1]'' LIMIT 1');

-- NULLs are not indexed, nor are zero vectors under cosine
CREATE INDEX by_l2 ON items USING hnsw (v vector_l2_ops);
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> '[1,1,1,1,1]' LIMIT 1000) s;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <#> '[1,1,1,1,1]' LIMIT 1000) s;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <=> '[1,1,1,1,1]' LIMIT 1000) s;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <+> '[1,1,1,1,1]' LIMIT 1000) s;
-- nearest to a zero vector: under cosine all distances are NaN
SELECT count(DISTINCT id), bool_and(d = 'NaN') FROM (SELECT id, v <=> '[0,0,0,0,0]' AS d FROM items ORDER BY d LIMIT 1000) s;
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM items ORDER BY v <-> '[0,0,0,0,0]' LIMIT 5) s;
SELECT count(DISTINCT id), bool_and(d = 0) FROM (SELECT id, v <#> '[0,0,0,0,0]' AS d FROM items ORDER BY d LIMIT 1000) s;
-- nearest to nothing: all rows, without distance
SELECT count(DISTINCT id), count(d) FROM (SELECT id, v <-> (SELECT NULL::vector) AS d FROM items ORDER BY d LIMIT 1000) s;
SELECT count(DISTINCT id), count(d) FROM (SELECT id, v <=> (SELECT v FROM items WHERE id = 310) AS d FROM items ORDER BY d LIMIT 1000) s;
RESET enable_seqscan;

-- Numbers near the ends of float32, far from their mean, and of unlike size: every row comes, in exact order.
CREATE TABLE extremes (id int, v vector(3));
CREATE FUNCTION pg_temp.extreme(operator text, numbers text, near text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	outcome text;
BEGIN
	TRUNCATE extremes;
	EXECUTE format('INSERT INTO extremes SELECT i, ARRAY[%s]::real[] FROM generate_series(1, 200) i', numbers);
	EXECUTE format('CREATE INDEX extreme ON extremes USING hnsw (v %s)',
		CASE operator WHEN '<->' THEN 'vector_l2_ops' WHEN '<#>' THEN 'vector_ip_ops' WHEN '<=>' THEN 'vector_cosine_ops' ELSE 'vector_l1_ops' END);
	outcome := pg_temp.against_exact(format('SELECT id, v %1$s %2$L AS d FROM extremes ORDER BY d LIMIT 200', operator, near));
	DROP INDEX extreme;
	RETURN operator || ' ' || outcome;
END
$$;
SELECT numbers, string_agg(pg_temp.extreme(operator, numbers, near), ' ' ORDER BY operator) FROM (VALUES
	('i * 1e38 / 100, -i * 1e36, 3e38', '[1e38,0,3e38]'),
	('CASE i % 2 WHEN 0 THEN 3e38 ELSE -3e38 END, i * 1e36, -3e38', '[1e38,0,3e38]'),
	('i * 1e18, -i * 1e16, 3e17', '[1e18,0,3e17]'),
	('CASE i % 3 WHEN 0 THEN 1e38 WHEN 1 THEN 1e-38 ELSE i END, -i, 1', '[1,2,3]'),
	('CASE i WHEN 5 THEN 1e7 ELSE sin(i) END, cos(i), 0', '[0.5,0.6,0]'),
	('1000 + sin(i), 1000 + cos(i), 1000', '[1000.1,1000.2,1000]'),
	('-i, -i * i, 100 - i', '[-1,-2,3]'),
	('i * 1e-18, -i * 1e-17, (i % 7) * 1e-18', '[1e-18,2e-17,0]'),
	('i * 1e-25, -i * 1e-24, (i % 7) * 1e-24', '[1e-25,2e-24,0]'),
	('i * 1e-43, i * 1e-42, (i % 7) * 1e-45', '[1e-43,2e-43,0]'),
	('1, 2, 3', '[1,2,4]')
) AS t(numbers, near), unnest('{<->,<#>,<=>,<+>}'::text[]) operator GROUP BY numbers ORDER BY numbers;

DROP TABLE items, extremes;
