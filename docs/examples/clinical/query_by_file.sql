-- Nearest images to an image file that is not in the database. The client reads the file, so no right on the server's
-- files is needed.
--
--   psql -v file=/path/to/image.png -f query_by_file.sql

SET search_path = clinical, public;
\set image `base64 -w 0 :'file'`

-- Embedded once, here; written into ORDER BY, embed_image(...) belongs into a sub-select: (SELECT embed_image(...)).
CREATE TEMP TABLE query AS SELECT embed_image(decode(:'image', 'base64')) AS embedding;

\set ECHO queries
SELECT right(e.sop_instance_uid, 20) AS image_ends_in, p.person_source_value AS patient, i.modality,
       (SELECT string_agg(condition_source_value, ', ' ORDER BY condition_source_value)
        FROM condition_occurrence AS c WHERE c.visit_occurrence_id = i.visit_occurrence_id) AS findings,
       round((e.embedding <=> (SELECT embedding FROM query))::numeric, 4) AS distance
FROM image_embedding AS e
JOIN image_occurrence AS i USING (image_occurrence_id)
JOIN person AS p USING (person_id)
WHERE e.embedding IS NOT NULL
ORDER BY e.embedding <=> (SELECT embedding FROM query)
LIMIT 5;
\set ECHO none
DROP TABLE query;
