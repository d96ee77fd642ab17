-- The questions that DICOM headers alone can answer, on the tables of schema.sql: no findings, but patients, studies and
-- modalities. (queries.sql asks the clinical ones.)
--
--   psql -f queries_dicom.sql

SET search_path = clinical, public;

-- The image that all questions start from: a CT slice where there is one.
SELECT e.sop_instance_uid AS query_image
FROM image_embedding AS e JOIN image_occurrence AS i USING (image_occurrence_id)
WHERE e.embedding IS NOT NULL
ORDER BY i.modality <> 'CT', e.sop_instance_uid
LIMIT 1 \gset
\echo
\echo 'The query image is' :query_image
\set ECHO queries

\echo
\echo '-- 1. The ten images most like this one, other patients only'
WITH query AS (
    SELECT e.embedding, i.person_id
    FROM image_embedding AS e JOIN image_occurrence AS i USING (image_occurrence_id)
    WHERE e.sop_instance_uid = :'query_image'
)
SELECT right(e.sop_instance_uid, 20) AS image_ends_in, p.person_source_value AS patient, p.gender, i.modality,
       round((e.embedding <=> (SELECT embedding FROM query))::numeric, 4) AS distance
FROM image_embedding AS e
JOIN image_occurrence AS i USING (image_occurrence_id)
JOIN person AS p USING (person_id)
WHERE e.embedding IS NOT NULL AND p.person_id <> (SELECT person_id FROM query)
ORDER BY e.embedding <=> (SELECT embedding FROM query)
LIMIT 10;

\echo '-- 2. One row per patient: each patient''s most similar image'
WITH query AS (
    SELECT e.embedding, i.person_id
    FROM image_embedding AS e JOIN image_occurrence AS i USING (image_occurrence_id)
    WHERE e.sop_instance_uid = :'query_image'
)
SELECT * FROM (
    SELECT DISTINCT ON (p.person_id) p.person_source_value AS patient, p.gender, i.modality,
           round((e.embedding <=> (SELECT embedding FROM query))::numeric, 4) AS distance
    FROM image_embedding AS e
    JOIN image_occurrence AS i USING (image_occurrence_id)
    JOIN person AS p USING (person_id)
    WHERE e.embedding IS NOT NULL AND p.person_id <> (SELECT person_id FROM query)
    ORDER BY p.person_id, e.embedding <=> (SELECT embedding FROM query)
) AS per_patient
ORDER BY distance
LIMIT 10;

\echo '-- 3. Modalities among the five nearest images, against their share of all'
WITH nearest AS (
    SELECT sop_instance_uid
    FROM image_embedding
    WHERE embedding IS NOT NULL AND sop_instance_uid <> :'query_image'
    ORDER BY embedding <=> (SELECT embedding FROM image_embedding WHERE sop_instance_uid = :'query_image')
    LIMIT 5
)
SELECT i.modality, count(n.sop_instance_uid) AS among_nearest, count(*) AS among_all
FROM image_embedding AS e
JOIN image_occurrence AS i USING (image_occurrence_id)
LEFT JOIN nearest AS n USING (sop_instance_uid)
WHERE e.embedding IS NOT NULL
GROUP BY i.modality
ORDER BY among_nearest DESC, among_all DESC;

\echo '-- 4. A cohort by EXISTS: images of patients who have been in a CT, nearest first'
SELECT right(e.sop_instance_uid, 20) AS image_ends_in, p.person_source_value AS patient, i.modality,
       round((e.embedding <=> q.embedding)::numeric, 4) AS distance
FROM image_embedding AS q,
     image_embedding AS e
JOIN image_occurrence AS i USING (image_occurrence_id)
JOIN person AS p USING (person_id)
WHERE q.sop_instance_uid = :'query_image' AND e.sop_instance_uid <> q.sop_instance_uid AND e.embedding IS NOT NULL
  AND EXISTS (SELECT FROM image_occurrence AS other WHERE other.person_id = p.person_id AND other.modality = 'CT')
ORDER BY e.embedding <=> q.embedding
LIMIT 10;
\set ECHO none
