-- What the main job asks, on the tables of schema.sql. Each query finds its query image itself, so each can be copied.
--
--   psql -f queries.sql

SET search_path = clinical, public;

-- The image that all questions start from: an X-ray with an effusion, of a woman over 60 where there is one.
SELECT e.sop_instance_uid AS query_image
FROM image_embedding AS e
JOIN image_occurrence AS i USING (image_occurrence_id)
JOIN person AS p USING (person_id)
JOIN visit_occurrence AS v USING (visit_occurrence_id)
LEFT JOIN condition_occurrence AS c
       ON c.visit_occurrence_id = v.visit_occurrence_id AND c.condition_source_value = 'Effusion'
WHERE e.embedding IS NOT NULL
ORDER BY c.condition_source_value IS NULL, p.gender IS DISTINCT FROM 'F', v.age_at_visit <= 60, e.sop_instance_uid
LIMIT 1 \gset
\echo
\echo 'The query image is' :query_image
\set ECHO queries

\echo
SELECT count(*) AS images_of_women_over_60_with_effusion
FROM image_embedding AS e
JOIN image_occurrence AS i USING (image_occurrence_id)
JOIN visit_occurrence AS v USING (visit_occurrence_id)
JOIN person AS p ON p.person_id = i.person_id
WHERE p.gender = 'F' AND v.age_at_visit > 60
  AND EXISTS (SELECT FROM condition_occurrence AS c
              WHERE c.visit_occurrence_id = v.visit_occurrence_id AND c.condition_source_value = 'Effusion');

\echo '-- 1. The ten images most like this one, among women over 60 with an effusion, other patients only'
WITH query AS (
    SELECT e.embedding, i.person_id
    FROM image_embedding AS e JOIN image_occurrence AS i USING (image_occurrence_id)
    WHERE e.sop_instance_uid = :'query_image'
)
SELECT e.sop_instance_uid AS image, p.person_source_value AS patient, v.age_at_visit AS age, i.view_position AS view,
       (SELECT string_agg(condition_source_value, ', ' ORDER BY condition_source_value)
        FROM condition_occurrence WHERE visit_occurrence_id = v.visit_occurrence_id) AS findings,
       round((e.embedding <=> (SELECT embedding FROM query))::numeric, 4) AS distance
FROM image_embedding AS e
JOIN image_occurrence AS i USING (image_occurrence_id)
JOIN visit_occurrence AS v USING (visit_occurrence_id)
JOIN person AS p ON p.person_id = i.person_id
WHERE p.gender = 'F' AND v.age_at_visit > 60
  AND p.person_id <> (SELECT person_id FROM query)
  AND EXISTS (SELECT FROM condition_occurrence AS c
              WHERE c.visit_occurrence_id = v.visit_occurrence_id AND c.condition_source_value = 'Effusion')
ORDER BY e.embedding <=> (SELECT embedding FROM query)
LIMIT 10;

\echo '-- 2. ... and what became of them: the next visit of each, most findings first'
WITH query AS (
    SELECT e.embedding, i.person_id
    FROM image_embedding AS e JOIN image_occurrence AS i USING (image_occurrence_id)
    WHERE e.sop_instance_uid = :'query_image'
), nearest AS (
    SELECT p.person_id, p.person_source_value AS patient, v.visit_number,
           e.embedding <=> (SELECT embedding FROM query) AS distance
    FROM image_embedding AS e
    JOIN image_occurrence AS i USING (image_occurrence_id)
    JOIN visit_occurrence AS v USING (visit_occurrence_id)
    JOIN person AS p ON p.person_id = i.person_id
    WHERE p.gender = 'F' AND v.age_at_visit > 60
      AND p.person_id <> (SELECT person_id FROM query)
      AND EXISTS (SELECT FROM condition_occurrence AS c
                  WHERE c.visit_occurrence_id = v.visit_occurrence_id AND c.condition_source_value = 'Effusion')
    ORDER BY distance
    LIMIT 10
)
SELECT n.patient, round(n.distance::numeric, 4) AS distance, n.visit_number AS visit, later.visit_number AS next_visit,
       CASE WHEN later.visit_number IS NULL THEN 'no later visit'
            ELSE COALESCE(later.findings, 'no finding') END AS outcome
FROM nearest AS n
LEFT JOIN LATERAL (
    SELECT v.visit_number, count(c.*) AS finding_count,
           string_agg(c.condition_source_value, ', ' ORDER BY c.condition_source_value) AS findings
    FROM visit_occurrence AS v LEFT JOIN condition_occurrence AS c USING (visit_occurrence_id)
    WHERE v.person_id = n.person_id AND v.visit_number > n.visit_number
    GROUP BY v.visit_number ORDER BY v.visit_number LIMIT 1
) AS later ON true
ORDER BY later.finding_count DESC NULLS LAST, n.distance;

\echo '-- 3. One row per patient: each patient''s most similar image'
WITH query AS (
    SELECT e.embedding, i.person_id
    FROM image_embedding AS e JOIN image_occurrence AS i USING (image_occurrence_id)
    WHERE e.sop_instance_uid = :'query_image'
)
SELECT * FROM (
    SELECT DISTINCT ON (p.person_id) p.person_source_value AS patient, p.gender, i.modality,
           e.sop_instance_uid AS image, round((e.embedding <=> (SELECT embedding FROM query))::numeric, 4) AS distance
    FROM image_embedding AS e
    JOIN image_occurrence AS i USING (image_occurrence_id)
    JOIN person AS p USING (person_id)
    WHERE p.person_id <> (SELECT person_id FROM query) AND e.embedding IS NOT NULL
    ORDER BY p.person_id, e.embedding <=> (SELECT embedding FROM query)
) AS per_patient
ORDER BY distance
LIMIT 10;

\echo '-- 4. Findings among the 50 nearest images, against their share of all images of that modality'
WITH query AS (
    SELECT e.embedding, i.modality
    FROM image_embedding AS e JOIN image_occurrence AS i USING (image_occurrence_id)
    WHERE e.sop_instance_uid = :'query_image'
), loaded AS (
    SELECT e.sop_instance_uid, e.embedding, i.visit_occurrence_id
    FROM image_embedding AS e JOIN image_occurrence AS i USING (image_occurrence_id)
    WHERE i.modality = (SELECT modality FROM query) AND e.embedding IS NOT NULL
      AND e.sop_instance_uid <> :'query_image'
), nearest AS (
    SELECT sop_instance_uid FROM loaded ORDER BY embedding <=> (SELECT embedding FROM query) LIMIT 50
)
SELECT COALESCE(c.condition_source_value, 'no finding') AS finding,
       count(n.sop_instance_uid) AS among_nearest,
       round(100.0 * count(n.sop_instance_uid) / (SELECT count(*) FROM nearest), 1) AS percent_of_nearest,
       round(100.0 * count(*) / (SELECT count(*) FROM loaded), 1) AS percent_of_all
FROM loaded AS l
LEFT JOIN condition_occurrence AS c USING (visit_occurrence_id)
LEFT JOIN nearest AS n USING (sop_instance_uid)
GROUP BY finding
ORDER BY among_nearest DESC, finding
LIMIT 10;

\echo '-- 5. A cohort by EXISTS: images of patients who ever had a mass or a nodule, nearest first'
SELECT e.sop_instance_uid AS image, p.person_source_value AS patient, p.gender, v.age_at_visit AS age,
       round((e.embedding <=> q.embedding)::numeric, 4) AS distance
FROM image_embedding AS q,
     image_embedding AS e
JOIN image_occurrence AS i USING (image_occurrence_id)
JOIN visit_occurrence AS v USING (visit_occurrence_id)
JOIN person AS p ON p.person_id = i.person_id
WHERE q.sop_instance_uid = :'query_image' AND e.sop_instance_uid <> q.sop_instance_uid AND e.embedding IS NOT NULL
  AND EXISTS (SELECT FROM condition_occurrence AS c
              WHERE c.person_id = p.person_id AND c.condition_source_value IN ('Mass', 'Nodule'))
ORDER BY e.embedding <=> q.embedding
LIMIT 10;
\set ECHO none
