-- The registry of models. A model never changes under its name, so vectors made under one name are comparable and
-- embed_image can be IMMUTABLE: a name once given to a file and a spec stays theirs, even after medvec.drop_model.

CREATE SCHEMA medvec;
GRANT USAGE ON SCHEMA medvec TO PUBLIC;

CREATE TABLE medvec.model (
    name       text PRIMARY KEY CHECK (pg_catalog.length(name) BETWEEN 1 AND 63 AND name !~ '[[:cntrl:]]'),
    file       text NOT NULL,
    sha256     text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    dimensions integer NOT NULL CHECK (dimensions BETWEEN 1 AND 32767),
    spec       jsonb NOT NULL,
    bundled    boolean NOT NULL DEFAULT false,
    dropped    timestamptz
);
COMMENT ON TABLE medvec.model IS 'models by name; change it by medvec.register_model and medvec.drop_model';
SELECT pg_catalog.pg_extension_config_dump('medvec.model', 'WHERE NOT bundled');

CREATE FUNCTION medvec.model_changed() RETURNS trigger
    AS 'MODULE_PATHNAME', 'medvec_model_changed' LANGUAGE C;
REVOKE ALL ON FUNCTION medvec.model_changed() FROM PUBLIC;

-- Sessions cache what they have read; this tells them to forget. ALWAYS: changes that come by replication count too.
CREATE TRIGGER model_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON medvec.model
    FOR EACH STATEMENT EXECUTE FUNCTION medvec.model_changed();
ALTER TABLE medvec.model ENABLE ALWAYS TRIGGER model_changed;

CREATE FUNCTION medvec.default_model() RETURNS text
    AS 'MODULE_PATHNAME', 'medvec_default_model' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION medvec.default_model() IS 'the setting medvec.default_model';

CREATE FUNCTION medvec.inspect_model(file text, spec jsonb DEFAULT NULL, OUT sha256 text,
                                     OUT dimensions integer, OUT full_spec jsonb)
    AS 'MODULE_PATHNAME', 'medvec_inspect_model' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION medvec.inspect_model(text, jsonb) IS
    'loads a model file, checks it against the allowed operations, runs it once; registers nothing';
REVOKE ALL ON FUNCTION medvec.inspect_model(text, jsonb) FROM PUBLIC;

-- Runs as its owner: a role that may execute it needs no right on the table.
CREATE FUNCTION medvec.register_model(name text, file text, spec jsonb DEFAULT NULL, OUT sha256 text,
                                      OUT dimensions integer)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_model record;
    known medvec.model;
BEGIN
    IF name IS NULL OR file IS NULL THEN
        RAISE EXCEPTION 'model name and file must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF length(name) NOT BETWEEN 1 AND 63 OR octet_length(name) > 63 OR name ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION 'model name must have 1 to 63 bytes and no control characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    found_model := medvec.inspect_model(file, spec);
    sha256 := found_model.sha256;
    dimensions := found_model.dimensions;

    LOCK TABLE medvec.model IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO known FROM medvec.model m WHERE m.name = register_model.name;
    IF NOT FOUND THEN
        INSERT INTO medvec.model (name, file, sha256, dimensions, spec)
            VALUES (register_model.name, register_model.file, found_model.sha256, found_model.dimensions,
                    found_model.full_spec);
    ELSIF known.sha256 <> found_model.sha256 OR known.spec <> found_model.full_spec THEN
        RAISE EXCEPTION 'model "%" is registered with another file or spec', name
            USING ERRCODE = 'duplicate_object',
                  DETAIL = 'A model never changes under its name, so that vectors made under it stay comparable.',
                  HINT = 'Register it under a new name.';
    ELSIF known.dropped IS NULL THEN
        RAISE EXCEPTION 'model "%" is already registered', name USING ERRCODE = 'duplicate_object';
    ELSE
        UPDATE medvec.model m SET dropped = NULL, file = register_model.file WHERE m.name = register_model.name;
    END IF;
END
$$;
COMMENT ON FUNCTION medvec.register_model(text, text, jsonb) IS
    'registers a TorchScript file of the model directory under a name, with its preprocessing spec';
REVOKE ALL ON FUNCTION medvec.register_model(text, text, jsonb) FROM PUBLIC;

CREATE FUNCTION medvec.drop_model(name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE medvec.model m SET dropped = now() WHERE m.name = drop_model.name AND m.dropped IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'model "%" does not exist', name USING ERRCODE = 'undefined_object',
            HINT = 'See the view medvec.models.';
    END IF;
END
$$;
COMMENT ON FUNCTION medvec.drop_model(text) IS
    'takes a model out of use; its vectors stay, and its name stays reserved for the same file and spec';
REVOKE ALL ON FUNCTION medvec.drop_model(text) FROM PUBLIC;

CREATE FUNCTION medvec.embedder_state(OUT state text, OUT pid integer, OUT supervisor_pid integer,
                                      OUT started_at timestamptz, OUT starts bigint, OUT deaths bigint,
                                      OUT last_exit text, OUT details jsonb)
    AS 'MODULE_PATHNAME', 'medvec_embedder_state' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION medvec.embedder_state() IS 'the embedder as seen from the server; does not start it';

CREATE VIEW medvec.embedder_status AS
    SELECT s.state, s.pid, s.supervisor_pid, s.started_at, s.starts, s.deaths, s.last_exit,
           (s.details ->> 'version')                   AS version,
           (s.details ->> 'threads')::integer          AS threads,
           (s.details ->> 'requests')::bigint          AS requests,
           (s.details ->> 'images')::bigint            AS images,
           (s.details ->> 'errors')::bigint            AS errors,
           (s.details ->> 'decoders')::integer         AS decoders,
           (s.details ->> 'decoder_deaths')::bigint    AS decoder_deaths,
           pg_catalog.jsonb_array_length(s.details -> 'models') AS models_loaded
    FROM medvec.embedder_state() AS s;
COMMENT ON VIEW medvec.embedder_status IS 'the embedder: whether it runs, since when, and what it has done';
GRANT SELECT ON medvec.embedder_status TO PUBLIC;

CREATE VIEW medvec.models AS
    SELECT m.name, m.file, m.sha256, m.dimensions, m.spec, m.bundled,
           m.sha256 IN (SELECT l ->> 'sha256'
                        FROM medvec.embedder_state() AS s, pg_catalog.jsonb_array_elements(s.details -> 'models') AS l)
           AS loaded
    FROM medvec.model AS m
    WHERE m.dropped IS NULL;
COMMENT ON VIEW medvec.models IS 'the registered models; loaded: in the embedder''s memory now';
GRANT SELECT ON medvec.models TO PUBLIC;
