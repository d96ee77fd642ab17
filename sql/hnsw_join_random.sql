-- Generated joins in the order of a distance, against exact search, while rows come, change and go.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set joined :suites '/sql/support/joined.sql'
\set ECHO none
\i :support
\i :joined
\set ECHO all

SELECT setseed(0.5);
CREATE TABLE asked AS SELECT n, pg_temp.uniform(-n, 4) AS v FROM generate_series(1, 4) n;

CREATE FUNCTION pg_temp.pick(choices anyarray) RETURNS anyelement LANGUAGE sql VOLATILE AS $$
	SELECT choices[1 + floor(random() * cardinality(choices))]
$$;

-- A condition of a relation with this alias: its share of the rows is anything from all to none.
CREATE FUNCTION pg_temp.some(alias text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE left(alias, 1)
		WHEN 'p' THEN format(pg_temp.pick(ARRAY['%1$s.year < %2$s', '%1$s.gender = ''F'' AND %1$s.year < %2$s', '%1$s.id %% 7 < %2$s - 1950', '%1$s.gender IS NULL', '%1$s.id < %2$s - 1910']),
			alias, 1915 + floor(random() * 100))
		WHEN 'v' THEN format(pg_temp.pick(ARRAY['%1$s.age < %2$s', '%1$s.age BETWEEN %2$s AND %2$s + 3', '%1$s.id < %2$s * 20']), alias, floor(random() * 95))
		WHEN 'c' THEN format(pg_temp.pick(ARRAY['%1$s.name = %2$L', '%1$s.name > %2$L', '%1$s.visit_id < 300 AND %1$s.name <> %2$L']), alias, pg_temp.pick(ARRAY['Edema', 'Effusion', 'Hernia', 'Mass']))
		WHEN 'l' THEN format('%s.kind < %s', alias, floor(random() * 11))
		ELSE pg_temp.pick(ARRAY['i.n < 10', 'i.n BETWEEN 30 AND 70', 'i.id % 2 = 0', 'i.code > ''code 2''', 'i.visit_id IS NOT NULL', 'i.site = 2']) END;
END
$$;

-- Another relation of a join, and its condition.
CREATE FUNCTION pg_temp.other(number int, OUT source text, OUT condition text) LANGUAGE plpgsql AS $$
DECLARE
	s text := number::text;
BEGIN
	CASE floor(random() * 13)
		WHEN 0 THEN source := format(' JOIN person p%1$s ON p%1$s.id = i.person_id', s); condition := pg_temp.some('p' || s);
		WHEN 1 THEN source := format(' JOIN visit v%1$s ON v%1$s.id = i.visit_id', s); condition := pg_temp.some('v' || s);
		WHEN 2 THEN source := format(' JOIN condition c%1$s ON c%1$s.visit_id = i.visit_id', s); condition := pg_temp.some('c' || s);
		WHEN 3 THEN source := format(' JOIN label l%1$s ON l%1$s.code = i.code', s); condition := pg_temp.some('l' || s);
		WHEN 4 THEN source := ''; condition := format('EXISTS (SELECT FROM condition c WHERE c.person_id = i.person_id AND %s)', pg_temp.some('c'));
		WHEN 5 THEN source := ''; condition := format('i.visit_id IN (SELECT c.visit_id FROM condition c WHERE %s)', pg_temp.some('c'));
		WHEN 6 THEN source := format(' JOIN visit v%1$s ON v%1$s.id = i.visit_id JOIN person p%1$s ON p%1$s.id = v%1$s.person_id', s);
			condition := pg_temp.some('v' || s) || ' AND ' || pg_temp.some('p' || s);
		WHEN 7 THEN source := format(' JOIN visit v%1$s ON v%1$s.id = i.visit_id', s);
			condition := format('%s AND EXISTS (SELECT FROM condition c WHERE c.visit_id = v%s.id AND %s)', pg_temp.some('v' || s), s, pg_temp.some('c'));
		WHEN 8 THEN source := ''; condition := format('EXISTS (SELECT FROM condition c JOIN person p ON p.id = c.person_id WHERE c.visit_id = i.visit_id AND %s AND p.year > 1900 + i.n)', pg_temp.some('p'));
		WHEN 9 THEN source := format(' LEFT JOIN person p%1$s ON p%1$s.id = i.person_id AND %2$s', s, pg_temp.some('p' || s)); condition := 'true';
		WHEN 10 THEN source := format(' JOIN (SELECT person_id, max(age) AS age FROM visit GROUP BY person_id) v%1$s ON v%1$s.person_id = i.person_id', s); condition := format('v%s.age > %s', s, floor(random() * 90));
		WHEN 11 THEN source := format(' JOIN person p%1$s ON p%1$s.id = i.person_id AND p%1$s.site = i.site', s); condition := pg_temp.some('p' || s);
		ELSE source := ''; condition := format('NOT EXISTS (SELECT FROM condition c WHERE c.person_id = i.person_id AND %s)', pg_temp.some('c'));
	END CASE;
END
$$;

-- One query in five asks for several vectors.
CREATE FUNCTION pg_temp.some_join(number int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	joined record;
BEGIN
	SELECT string_agg(o.source, '') AS sources, concat_ws(' AND ', string_agg(o.condition, ' AND '), CASE WHEN random() < 0.3 THEN pg_temp.some('i') END) AS conditions INTO joined
		FROM generate_series(1, 1 + floor(random() * 1.5)::int) n, pg_temp.other(n) o;
	RETURN format(CASE WHEN random() < 0.8 THEN '%1$s ORDER BY d%2$s'
			ELSE 'SELECT s.id, s.d FROM asked CROSS JOIN LATERAL (%3$s ORDER BY d%2$s) s ORDER BY asked.n, s.d' END,
		format('SELECT i.id, i.v <-> %L AS d FROM image i%s WHERE %s', pg_temp.uniform(-number, 4), joined.sources, joined.conditions),
		pg_temp.pick(ARRAY['', ' LIMIT 1', ' LIMIT 10', ' LIMIT 100', ' OFFSET 3 LIMIT 20', ' FETCH FIRST 5 ROWS WITH TIES']),
		format('SELECT i.id, i.v <-> asked.v AS d FROM image i%s WHERE %s AND i.n >= asked.n', joined.sources, joined.conditions));
END
$$;

-- Compares `count` queries. The index has to give as many rows as qualify, and nearly always the nearest.
CREATE FUNCTION pg_temp.compare(count int) RETURNS TABLE (finding text, example text) LANGUAGE plpgsql AS $$
DECLARE
	query text;
	checked record;
	same bigint := 0;
	ways text[] := '{}';
BEGIN
	FOR k IN 1 .. count LOOP
		query := pg_temp.some_join(k);
		SELECT j.* INTO checked FROM pg_temp.joined(query, pg_temp.pick(ARRAY['reduction', 'look-ups', 'memory', 'any'])) j;
		ways := ways || checked.strategy;
		IF checked.rows <> checked.wanted THEN RETURN QUERY SELECT format('%s rows, not %s', checked.rows, checked.wanted), query; END IF;
		IF NOT checked.ordered AND query NOT LIKE '%LATERAL%' THEN RETURN QUERY SELECT 'rows out of order', query; END IF;
		same := same + checked.same::int;
	END LOOP;
	IF same < 0.98 * count THEN RETURN QUERY SELECT format('the nearest in %s of %s', same, count), NULL; END IF;
	RETURN QUERY SELECT 'never: ' || w, NULL FROM unnest(ARRAY['another plan', 'reduction', 'look-ups', 'look-ups, reduction', 'look-ups without bound']) w WHERE w <> ALL (ways);
END
$$;

SELECT * FROM pg_temp.compare(250);

-- rows come, change and go
UPDATE image SET person_id = person_id % 100, v = v + '[0.1,0,0,0]' WHERE id % 3 = 0;
DELETE FROM image WHERE id % 5 = 0;
DELETE FROM person WHERE id % 7 = 0;
UPDATE visit SET person_id = NULL WHERE id % 11 = 0;
INSERT INTO image SELECT 10000 + i, i, i, 'code ' || i, i % 5, i % 100, pg_temp.uniform(10000 + i, 4) FROM generate_series(1, 300) i;
SELECT * FROM pg_temp.compare(100);
VACUUM image, person;
SELECT * FROM pg_temp.compare(60);
SELECT * FROM hnsw_check('image_v');
DROP TABLE person, visit, condition, label, image, asked;
