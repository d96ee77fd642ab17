-- The clinical tables of docs/examples/clinical/schema.sql around NIH ChestX-ray14's metadata: nih_image has a row an image.
--
--   METADATA=FILE.csv.gz psql -f clinical.sql

CREATE TABLE nih_image (
    image_occurrence_id serial PRIMARY KEY,
    image_index text UNIQUE, finding_labels text, follow_up integer, person_id bigint, age integer, gender text,
    view_position text, width integer, height integer, spacing_x real, spacing_y real
);
\copy nih_image (image_index, finding_labels, follow_up, person_id, age, gender, view_position, width, height, spacing_x, spacing_y) FROM PROGRAM 'gzip -dc "$METADATA"' WITH (FORMAT csv, HEADER)

CREATE TABLE person (person_id bigint PRIMARY KEY, gender text NOT NULL);
INSERT INTO person SELECT person_id, min(gender) FROM nih_image GROUP BY person_id;

-- A visit is a patient's follow-up number, with one image.
CREATE TABLE visit_occurrence (visit_occurrence_id bigint PRIMARY KEY, person_id bigint NOT NULL, age_at_visit integer);
INSERT INTO visit_occurrence SELECT image_occurrence_id, person_id, age FROM nih_image;
CREATE INDEX ON visit_occurrence (person_id);
CREATE INDEX ON visit_occurrence (age_at_visit);

CREATE TABLE image_occurrence (image_occurrence_id bigint PRIMARY KEY, person_id bigint NOT NULL, visit_occurrence_id bigint NOT NULL);
INSERT INTO image_occurrence SELECT image_occurrence_id, person_id, image_occurrence_id FROM nih_image;
CREATE INDEX ON image_occurrence (person_id);
CREATE INDEX ON image_occurrence (visit_occurrence_id);

CREATE TABLE condition_occurrence (person_id bigint NOT NULL, visit_occurrence_id bigint NOT NULL, condition_source_value text NOT NULL);
INSERT INTO condition_occurrence
SELECT person_id, image_occurrence_id, finding
FROM nih_image, string_to_table(finding_labels, '|') AS finding
WHERE finding <> 'No Finding';
CREATE INDEX ON condition_occurrence (visit_occurrence_id);
CREATE INDEX ON condition_occurrence (condition_source_value, person_id);

VACUUM ANALYZE person, visit_occurrence, image_occurrence, condition_occurrence;
