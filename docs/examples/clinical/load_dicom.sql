-- Loads the DICOM files of a directory: patients, visits and series from their headers, images with pixels into
-- image_embedding. Files that are broken or hold no image are counted and left out.
--
--   psql -v dicom=/path/to/dicom -f load_dicom.sql
--
-- The server reads the files, so it must be allowed to (superuser or pg_read_server_files).

SET search_path = clinical, public;

-- The header, or NULL where the file cannot be read as DICOM.
CREATE FUNCTION pg_temp.header_or_null(image bytea) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN dicom_header(image);
EXCEPTION WHEN invalid_binary_representation OR feature_not_supported OR program_limit_exceeded THEN
    RETURN NULL;
END
$$;

-- The first value of an attribute; DICOM JSON keeps it under its tag.
CREATE FUNCTION pg_temp.attribute(header jsonb, tag text) RETURNS text LANGUAGE sql AS
    $$ SELECT header -> tag -> 'Value' ->> 0 $$;

CREATE TEMP TABLE dicom_file AS
SELECT file, image, pg_temp.header_or_null(image) AS header
FROM pg_ls_dir(:'dicom') AS file, pg_read_binary_file(:'dicom' || '/' || file) AS image;

CREATE TEMP TABLE dicom AS
SELECT file, image,
       COALESCE(pg_temp.attribute(header, '00080018'), file)       AS sop_instance_uid,
       COALESCE(pg_temp.attribute(header, '0020000E'), file)       AS series_uid,
       COALESCE(pg_temp.attribute(header, '0020000D'), file)       AS study_uid,
       COALESCE(pg_temp.attribute(header, '00080060'), 'OT')       AS modality,
       NULLIF(pg_temp.attribute(header, '00185101'), '')           AS view_position,
       COALESCE(pg_temp.attribute(header, '00100020'), 'unknown')  AS patient,
       pg_temp.attribute(header, '00100040')                       AS gender,
       substring(pg_temp.attribute(header, '00100030') FROM '^(\d{4})')::integer      AS year_of_birth,
       substring(pg_temp.attribute(header, '00101010') FROM '^(\d{3})Y')::integer     AS age,
       info.width
FROM dicom_file, image_info(image) AS info WHERE header IS NOT NULL;

INSERT INTO person (person_id, gender, year_of_birth, person_source_value)
SELECT (SELECT COALESCE(max(person_id), 0) FROM person) + row_number() OVER (ORDER BY patient),
       COALESCE(max(gender), 'unknown'), max(year_of_birth), 'DICOM ' || patient
FROM dicom WHERE width IS NOT NULL GROUP BY patient;

-- A visit is a study, a row of image_occurrence a series.
CREATE TEMP TABLE study AS
SELECT (SELECT COALESCE(max(visit_occurrence_id), 0) FROM visit_occurrence)
           + row_number() OVER (ORDER BY patient, study_uid) AS id,
       study_uid, patient, max(age) AS age
FROM dicom WHERE width IS NOT NULL GROUP BY study_uid, patient;

INSERT INTO visit_occurrence (visit_occurrence_id, person_id, visit_number, age_at_visit)
SELECT s.id, p.person_id, row_number() OVER (PARTITION BY p.person_id ORDER BY s.id) - 1, s.age
FROM study AS s JOIN person AS p ON p.person_source_value = 'DICOM ' || s.patient;

CREATE TEMP TABLE series AS
SELECT (SELECT COALESCE(max(image_occurrence_id), 0) FROM image_occurrence)
           + row_number() OVER (ORDER BY patient, study_uid, series_uid, modality) AS id,
       series_uid, study_uid, patient, modality, max(view_position) AS view_position
FROM dicom WHERE width IS NOT NULL GROUP BY series_uid, study_uid, patient, modality;

INSERT INTO image_occurrence (image_occurrence_id, person_id, visit_occurrence_id, modality, view_position,
                              series_instance_uid)
SELECT s.id, p.person_id, v.id, s.modality, s.view_position, s.series_uid
FROM series AS s
JOIN study AS v USING (study_uid, patient)
JOIN person AS p ON p.person_source_value = 'DICOM ' || s.patient;

INSERT INTO image_embedding (image_occurrence_id, sop_instance_uid, model, image)
SELECT DISTINCT ON (d.sop_instance_uid) s.id, d.sop_instance_uid, medvec.default_model(), d.image
FROM dicom AS d JOIN series AS s USING (series_uid, study_uid, patient, modality)
WHERE d.width IS NOT NULL
ORDER BY d.sop_instance_uid, d.file
ON CONFLICT DO NOTHING;

SELECT count(*) AS files, count(header) AS dicom_files, (SELECT count(*) FROM dicom WHERE width IS NOT NULL) AS with_image
FROM dicom_file;
DROP TABLE dicom_file, dicom, study, series;
ANALYZE;
