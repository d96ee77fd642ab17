-- medvec brings a type named vector of its own. Where that name is taken, say so before anything is created.

DO $preflight$
BEGIN
	IF EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'vector')
		OR EXISTS (
			SELECT FROM pg_catalog.pg_type
			WHERE typname OPERATOR(pg_catalog.=) 'vector'
				AND typnamespace OPERATOR(pg_catalog.=) '@extschema@'::pg_catalog.regnamespace)
	THEN
		RAISE EXCEPTION 'extension "medvec" cannot be created beside another type "vector"'
			USING ERRCODE = 'duplicate_object',
				DETAIL = 'The type is there already, in this schema or from extension "vector" (pgvector).',
				HINT = 'docs/migration-from-pgvector.md says how to bring existing vectors over.';
	END IF;
END
$preflight$;
