-- Similar DNA sequences by their k-mers: how often each word of k letters occurs in a sequence is a vector of 4^k
-- dimensions, nearly all of them 0. The index of a k-mer is the k-mer read as a number to the base 4, A 0, C 1, G 2, T 3.
--
--   psql -f kmers.sql        in a database that has the extension

-- The body is parsed here and now, so the function means the same under every search_path: it may stand in a generated
-- column and survives dump and restore. k is at most 14: 4^14 is below a billion. Words with other letters, as N for
-- an unread base, are left out. A sparsevec holds 16,000 different words.
CREATE FUNCTION kmer_counts(sequence text, k integer) RETURNS sparsevec
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (
		SELECT ('{' || coalesce(string_agg(index + 1 || ':' || count, ',' ORDER BY index), '') || '}/' || (4 ^ k)::integer)::sparsevec
		FROM (
			SELECT lpad(replace(replace(replace(replace(word, 'A', '00'), 'C', '01'), 'G', '10'), 'T', '11'), 32, '0')::bit(32)::integer AS index,
				count(*) AS count
			FROM generate_series(1, length(sequence) - k + 1) AS place,
				LATERAL (SELECT upper(substr(sequence, place, k)) AS word) AS words
			WHERE word ~ '^[ACGT]+$'
			GROUP BY 1
		) AS counts
	);

SELECT kmer_counts('ACGTACGTNACG', 3);

CREATE TABLE genes (
	name text PRIMARY KEY,
	sequence text NOT NULL,
	kmers sparsevec(65536) GENERATED ALWAYS AS (kmer_counts(sequence, 8)) STORED
);

-- Made-up genes: 20 ancestors of 900 bases, and of each a descendant in which 3 % and one in which 10 % of the bases
-- changed.
INSERT INTO genes
SELECT 'gene ' || gene || suffix,
	(SELECT string_agg(substr('ACGT', 1 + ((hashint8extended(base, gene)
			+ CASE WHEN hashint8extended(base, gene * 100 + changed) & 1023 < changed * 1024 / 100 THEN 1 ELSE 0 END) & 3)::integer, 1), '' ORDER BY base)
		FROM generate_series(1, 900) AS base)
FROM generate_series(1, 20) AS gene, (VALUES (0, ''), (3, ', 3 % changed'), (10, ', 10 % changed')) AS kinds(changed, suffix);

-- The five most similar to a piece of gene 7, 300 bases out of its middle.
SELECT name, round((kmers <=> kmer_counts(piece, 8))::numeric, 3) AS cosine_distance
FROM genes, (SELECT substr(sequence, 300, 300) AS piece FROM genes WHERE name = 'gene 7') AS query
ORDER BY kmers <=> kmer_counts(piece, 8)
LIMIT 5;

-- Is each descendant's nearest other sequence of its own family?
SELECT count(*) AS descendants, count(*) FILTER (WHERE split_part(nearest.name, ',', 1) = split_part(genes.name, ',', 1)) AS found
FROM genes, LATERAL (
	SELECT other.name FROM genes AS other WHERE other.name <> genes.name ORDER BY other.kmers <=> genes.kmers LIMIT 1
) AS nearest
WHERE genes.name LIKE '%changed';

-- The strand is unknown? Count the words of both.
SELECT kmer_counts(forward || 'N' || reverse(translate(forward, 'ACGT', 'TGCA')), 4)
	= kmer_counts(backward || 'N' || reverse(translate(backward, 'ACGT', 'TGCA')), 4) AS same_on_both_strands
FROM (SELECT sequence AS forward, reverse(translate(sequence, 'ACGT', 'TGCA')) AS backward FROM genes WHERE name = 'gene 1') AS strands;
