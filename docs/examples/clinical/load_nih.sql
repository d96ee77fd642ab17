-- Loads NIH ChestX-ray14: all visits and findings of nih_metadata.csv, and those images that lie in a directory.
--
--   psql -v metadata=/path/nih_metadata.csv -v images=/path/to/png -f load_nih.sql
--
-- The server reads the files, so it must be allowed to (superuser or pg_read_server_files).

SET search_path = clinical, public;

CREATE TEMP TABLE nih (
    image_index text, finding_labels text, follow_up integer, patient_id bigint, age integer, gender text,
    view_position text, width integer, height integer, spacing_x real, spacing_y real
);
COPY nih FROM :'metadata' WITH (FORMAT csv, HEADER);

INSERT INTO person (person_id, gender, person_source_value)
SELECT patient_id, min(gender), 'NIH ' || patient_id FROM nih GROUP BY patient_id;

-- A visit is a patient's follow-up number; one image each. Ages above 120 in the source are slips of the keyboard.
CREATE TEMP TABLE nih_visit AS
SELECT row_number() OVER (ORDER BY patient_id, follow_up, image_index) AS id, * FROM nih;

INSERT INTO visit_occurrence (visit_occurrence_id, person_id, visit_number, age_at_visit)
SELECT id, patient_id, follow_up, CASE WHEN age <= 120 THEN age END FROM nih_visit;

INSERT INTO condition_occurrence (person_id, visit_occurrence_id, condition_source_value)
SELECT patient_id, id, finding
FROM nih_visit, string_to_table(finding_labels, '|') AS finding
WHERE finding <> 'No Finding';

INSERT INTO image_occurrence (image_occurrence_id, person_id, visit_occurrence_id, modality, view_position)
SELECT id, patient_id, id, 'CR', view_position FROM nih_visit;

INSERT INTO image_embedding (image_occurrence_id, sop_instance_uid, model, image)
SELECT v.id, v.image_index, medvec.default_model(),
       pg_read_binary_file(:'images' || '/' || v.image_index)
FROM pg_ls_dir(:'images') AS file JOIN nih_visit AS v ON v.image_index = file;

DROP TABLE nih, nih_visit;
ANALYZE;
