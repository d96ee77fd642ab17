-- A small clinical database around images, with the names of the OMOP common data model and its imaging extension.
--
--   psql -f schema.sql
--
-- Needs: CREATE EXTENSION medvec. The embedding column takes its length from the default model.

SELECT dimensions FROM medvec.models WHERE name = medvec.default_model() \gset

CREATE SCHEMA clinical;
SET search_path = clinical, public;

CREATE TABLE person (
    person_id           bigint PRIMARY KEY,
    gender              text,                   -- F, M or unknown
    year_of_birth       integer,                -- where the source tells it
    person_source_value text NOT NULL           -- the patient's number in the source
);

CREATE TABLE visit_occurrence (
    visit_occurrence_id bigint PRIMARY KEY,
    person_id           bigint NOT NULL REFERENCES person,
    visit_number        integer NOT NULL,       -- 0: the first; de-identified sources give an order, not a date
    age_at_visit        integer                 -- in years
);
CREATE INDEX ON visit_occurrence (person_id, visit_number);

CREATE TABLE condition_occurrence (
    condition_occurrence_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id               bigint NOT NULL REFERENCES person,
    visit_occurrence_id     bigint NOT NULL REFERENCES visit_occurrence,
    condition_source_value  text NOT NULL       -- as the radiologist named it: Effusion, Pneumonia, ...
);
CREATE INDEX ON condition_occurrence (visit_occurrence_id);
CREATE INDEX ON condition_occurrence (condition_source_value, person_id);

-- One row a series.
CREATE TABLE image_occurrence (
    image_occurrence_id bigint PRIMARY KEY,
    person_id           bigint NOT NULL REFERENCES person,
    visit_occurrence_id bigint NOT NULL REFERENCES visit_occurrence,
    modality            text NOT NULL,          -- DICOM's codes: CR, CT, MR, US, ...
    view_position       text,                   -- AP, PA
    series_instance_uid text
);
CREATE INDEX ON image_occurrence (person_id);

-- One row an image (or frame of it) and model. The file lies in the row, out of line; where images are kept elsewhere or
-- embedded by several models, give it a table of its own.
CREATE TABLE image_embedding (
    image_occurrence_id bigint NOT NULL REFERENCES image_occurrence,
    sop_instance_uid    text NOT NULL,          -- or the file's name where it is no DICOM file
    frame               integer NOT NULL DEFAULT 1,
    model               text NOT NULL,
    image               bytea NOT NULL,
    embedding           vector(:dimensions),
    PRIMARY KEY (sop_instance_uid, frame, model)
);
ALTER TABLE image_embedding ALTER COLUMN image SET STORAGE EXTERNAL;  -- images are compressed already
CREATE INDEX ON image_embedding (image_occurrence_id);
