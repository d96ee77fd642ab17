-- The example of docs/sparsevec.md: genes by their k-mers.

\getenv suites PG_ABS_SRCDIR
\set example :suites '/docs/examples/genes/kmers.sql'
\set ECHO none
\i :example
\set ECHO all

-- dump and restore call the function with an empty search_path
SET search_path = '';
SELECT public.kmer_counts('acgtacgtnacg', 3), public.kmer_counts('', 3), public.kmer_counts('NNNN', 2), public.kmer_counts('TTTT', 14);
RESET search_path;
SELECT kmer_counts('ACGT', 15);
DROP TABLE genes;
DROP FUNCTION kmer_counts;
