-- Bulk embedding: a batch at a time, each committed, so a call that was stopped is simply made again.
-- No COMMIT is allowed under a SET clause, therefore every name is qualified instead of setting search_path.

CREATE PROCEDURE medvec.embed_missing(target regclass, image_column name, vector_column name,
                                      model text DEFAULT NULL, batch_size integer DEFAULT 64,
                                      INOUT embedded bigint DEFAULT 0, INOUT failed bigint DEFAULT 0)
    LANGUAGE plpgsql AS $procedure$
DECLARE
    blocks_at_once CONSTANT bigint := 256;
    bytes_at_once  CONSTANT bigint := 64 * 1024 * 1024;
    used_model CONSTANT text := COALESCE(model, medvec.default_model());
    missing_row CONSTANT text := pg_catalog.format('%I IS NULL AND %I IS NOT NULL', vector_column, image_column);
    started    timestamptz := pg_catalog.clock_timestamp();
    shown      timestamptz := started;
    parts      regclass[];
    part       regclass;
    part_total bigint;
    total      bigint := 0;
    blocks     bigint;
    block      bigint;
    candidates tid[];
    sizes      bigint[];
    first      integer;
    last       integer;
    bytes      bigint;
    row_ids    tid[];
    images     bytea[];
    vectors    @extschema@.vector[];
    message    text;
BEGIN
    IF target IS NULL OR image_column IS NULL OR vector_column IS NULL THEN
        RAISE EXCEPTION 'table and columns must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF batch_size IS NULL OR batch_size NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'batch_size must be between 1 and 10000' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    embedded := 0;
    failed := 0;

    -- A row's ctid is unique within one table only, so partitions are taken one after another.
    parts := ARRAY(SELECT t.relid FROM pg_catalog.pg_partition_tree(target) AS t WHERE t.isleaf ORDER BY t.relid::oid);
    IF parts = '{}' THEN
        parts := ARRAY[target];
    END IF;
    FOREACH part IN ARRAY parts LOOP
        EXECUTE pg_catalog.format('SELECT pg_catalog.count(*) FROM ONLY %s WHERE %s', part, missing_row)
            INTO part_total;
        total := total + part_total;
    END LOOP;

    FOREACH part IN ARRAY parts LOOP
        -- Rows that this call updates move behind the blocks counted here, and miss no vector any more.
        blocks := pg_catalog.pg_relation_size(part) / pg_catalog.current_setting('block_size')::bigint;
        block := 0;
        WHILE block < blocks LOOP
            EXECUTE pg_catalog.format(
                'SELECT pg_catalog.array_agg(ctid ORDER BY ctid), '
                '       pg_catalog.array_agg(pg_catalog.octet_length(%I)::bigint ORDER BY ctid) '
                'FROM ONLY %s WHERE ctid >= $1 AND ctid < $2 AND %s', image_column, part, missing_row)
                INTO candidates, sizes
                USING pg_catalog.format('(%s,0)', block)::tid,
                      pg_catalog.format('(%s,0)', block + blocks_at_once)::tid;
            block := block + blocks_at_once;
            first := 1;
            WHILE first <= COALESCE(pg_catalog.cardinality(candidates), 0) LOOP
                -- A batch ends with batch_size images, or before the one that makes it too large.
                last := first;
                bytes := sizes[first];
                WHILE last < pg_catalog.cardinality(candidates) AND last - first + 1 < batch_size
                      AND bytes + sizes[last + 1] <= bytes_at_once LOOP
                    last := last + 1;
                    bytes := bytes + sizes[last];
                END LOOP;

                EXECUTE pg_catalog.format(
                    'SELECT pg_catalog.array_agg(b.row_id), pg_catalog.array_agg(b.image) '
                    'FROM (SELECT ctid AS row_id, %I AS image FROM ONLY %s '
                    '      WHERE ctid = ANY ($1) AND %s FOR UPDATE SKIP LOCKED) AS b', image_column, part, missing_row)
                    INTO row_ids, images USING candidates[first:last];
                first := last + 1;
                CONTINUE WHEN row_ids IS NULL;

                BEGIN
                    vectors := @extschema@.embed_images(images, used_model);
                EXCEPTION
                    -- An image's own fault. Which one it is shows when each is tried alone.
                    WHEN invalid_binary_representation OR feature_not_supported OR program_limit_exceeded
                         OR system_error OR external_routine_exception THEN
                        vectors := NULL;
                END;
                IF vectors IS NULL THEN
                    FOR i IN 1 .. pg_catalog.cardinality(row_ids) LOOP
                        BEGIN
                            vectors[i] := @extschema@.embed_image(images[i], used_model);
                            embedded := embedded + 1;
                        EXCEPTION
                            WHEN invalid_binary_representation OR feature_not_supported OR program_limit_exceeded
                                 OR system_error OR external_routine_exception THEN
                                GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
                                vectors[i] := NULL;
                                failed := failed + 1;
                                RAISE WARNING 'image in row % of % could not be embedded: %', row_ids[i], part, message;
                        END;
                    END LOOP;
                ELSE
                    embedded := embedded + pg_catalog.cardinality(row_ids);
                END IF;

                EXECUTE pg_catalog.format(
                    'UPDATE ONLY %s AS t SET %I = e.vector '
                    'FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS e (row_id, vector) '
                    'WHERE t.ctid = e.row_id AND e.vector IS NOT NULL', part, vector_column)
                    USING row_ids, vectors;
                COMMIT;

                IF pg_catalog.clock_timestamp() - shown >= interval '2 seconds' THEN
                    shown := pg_catalog.clock_timestamp();
                    RAISE NOTICE 'embedded % of % images, % per second', embedded, total,
                        pg_catalog.round((embedded / EXTRACT(epoch FROM shown - started))::numeric, 1);
                END IF;
            END LOOP;
        END LOOP;
    END LOOP;
    RAISE NOTICE 'embedded % of % images in % s, % per second; % failed', embedded, total,
        pg_catalog.round(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - started)::numeric, 1),
        pg_catalog.round((embedded / GREATEST(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - started), 0.001))::numeric, 1),
        failed;
END
$procedure$;
COMMENT ON PROCEDURE medvec.embed_missing IS
    'embeds every image whose vector column is NULL: in batches, committed one by one, with progress; restartable';
