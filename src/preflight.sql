-- medvec brings a type named vector of its own, as extension medvec or, by `make install-as-vector`, as extension vector.
-- Where that name is taken, say so before anything is created.

DO $preflight$
DECLARE
	-- the extension that has a type of that name, wherever; NULL: a type in this schema that belongs to none
	taken_by record;
BEGIN
	SELECT e.extname, i.probin OPERATOR(pg_catalog.=) 'MODULE_PATHNAME' AS is_medvec INTO taken_by
	FROM pg_catalog.pg_type AS t
	LEFT JOIN pg_catalog.pg_depend AS d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
		AND d.objid OPERATOR(pg_catalog.=) t.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'
	LEFT JOIN pg_catalog.pg_extension AS e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
	LEFT JOIN pg_catalog.pg_proc AS i ON i.oid OPERATOR(pg_catalog.=) t.typinput
	WHERE t.typname OPERATOR(pg_catalog.=) 'vector'
		AND (e.oid IS NOT NULL OR t.typnamespace OPERATOR(pg_catalog.=) '@extschema@'::pg_catalog.regnamespace)
	ORDER BY is_medvec DESC NULLS LAST
	LIMIT 1;
	IF taken_by.is_medvec THEN
		RAISE EXCEPTION 'medvec is in this database already, as extension "%"', taken_by.extname
			USING ERRCODE = 'duplicate_object',
				HINT = 'Its types, operators and indexes are the same under both names.';
	ELSIF FOUND THEN
		RAISE EXCEPTION 'medvec cannot be created beside another type "vector"'
			USING ERRCODE = 'duplicate_object',
				DETAIL = 'The type is there already, '
					OPERATOR(pg_catalog.||) CASE WHEN taken_by.extname IS NULL THEN 'in this schema.' ELSE
						pg_catalog.format('from extension "%s".', taken_by.extname) END,
				HINT = 'docs/migration-from-pgvector.md says how to bring existing vectors over.';
	END IF;
END
$preflight$;
