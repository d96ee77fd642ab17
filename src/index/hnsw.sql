-- the access method

CREATE FUNCTION hnsw_handler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'medvec_hnsw_handler' LANGUAGE C;

CREATE ACCESS METHOD hnsw TYPE INDEX HANDLER hnsw_handler;
COMMENT ON ACCESS METHOD hnsw IS 'medvec: approximate nearest neighbours by a graph of vectors';

-- operator classes: support function 1 names type and metric

CREATE FUNCTION hnsw_vector_l2_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_vector_l2_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_vector_ip_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_vector_ip_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_vector_cosine_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_vector_cosine_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_vector_l1_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_vector_l1_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR CLASS vector_l2_ops
	FOR TYPE vector USING hnsw AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	OPERATOR 2 <<-> (vector, record),
	FUNCTION 1 hnsw_vector_l2_support(internal);

CREATE OPERATOR CLASS vector_ip_ops
	FOR TYPE vector USING hnsw AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	OPERATOR 2 <<#> (vector, record),
	FUNCTION 1 hnsw_vector_ip_support(internal);

CREATE OPERATOR CLASS vector_cosine_ops
	FOR TYPE vector USING hnsw AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	OPERATOR 2 <<=> (vector, record),
	FUNCTION 1 hnsw_vector_cosine_support(internal);

CREATE OPERATOR CLASS vector_l1_ops
	FOR TYPE vector USING hnsw AS
	OPERATOR 1 <+> (vector, vector) FOR ORDER BY float_ops,
	OPERATOR 2 <<+> (vector, record),
	FUNCTION 1 hnsw_vector_l1_support(internal);

CREATE FUNCTION hnsw_halfvec_l2_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_halfvec_l2_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_halfvec_ip_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_halfvec_ip_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_halfvec_cosine_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_halfvec_cosine_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_halfvec_l1_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_halfvec_l1_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR CLASS halfvec_l2_ops
	FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
	OPERATOR 2 <<-> (halfvec, record),
	FUNCTION 1 hnsw_halfvec_l2_support(internal);

CREATE OPERATOR CLASS halfvec_ip_ops
	FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
	OPERATOR 2 <<#> (halfvec, record),
	FUNCTION 1 hnsw_halfvec_ip_support(internal);

CREATE OPERATOR CLASS halfvec_cosine_ops
	FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	OPERATOR 2 <<=> (halfvec, record),
	FUNCTION 1 hnsw_halfvec_cosine_support(internal);

CREATE OPERATOR CLASS halfvec_l1_ops
	FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <+> (halfvec, halfvec) FOR ORDER BY float_ops,
	OPERATOR 2 <<+> (halfvec, record),
	FUNCTION 1 hnsw_halfvec_l1_support(internal);

CREATE FUNCTION hnsw_sparsevec_l2_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_sparsevec_l2_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_sparsevec_ip_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_sparsevec_ip_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_sparsevec_cosine_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_sparsevec_cosine_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_sparsevec_l1_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_sparsevec_l1_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR CLASS sparsevec_l2_ops
	FOR TYPE sparsevec USING hnsw AS
	OPERATOR 1 <-> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	OPERATOR 2 <<-> (sparsevec, record),
	FUNCTION 1 hnsw_sparsevec_l2_support(internal);

CREATE OPERATOR CLASS sparsevec_ip_ops
	FOR TYPE sparsevec USING hnsw AS
	OPERATOR 1 <#> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	OPERATOR 2 <<#> (sparsevec, record),
	FUNCTION 1 hnsw_sparsevec_ip_support(internal);

CREATE OPERATOR CLASS sparsevec_cosine_ops
	FOR TYPE sparsevec USING hnsw AS
	OPERATOR 1 <=> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	OPERATOR 2 <<=> (sparsevec, record),
	FUNCTION 1 hnsw_sparsevec_cosine_support(internal);

CREATE OPERATOR CLASS sparsevec_l1_ops
	FOR TYPE sparsevec USING hnsw AS
	OPERATOR 1 <+> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	OPERATOR 2 <<+> (sparsevec, record),
	FUNCTION 1 hnsw_sparsevec_l1_support(internal);

CREATE FUNCTION hnsw_bit_hamming_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_bit_hamming_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_bit_jaccard_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_bit_jaccard_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR CLASS bit_hamming_ops
	FOR TYPE bit USING hnsw AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
	OPERATOR 2 <<~> (bit, record),
	FUNCTION 1 hnsw_bit_hamming_support(internal);

CREATE OPERATOR CLASS bit_jaccard_ops
	FOR TYPE bit USING hnsw AS
	OPERATOR 1 <%> (bit, bit) FOR ORDER BY float_ops,
	OPERATOR 2 <<%> (bit, record),
	FUNCTION 1 hnsw_bit_jaccard_support(internal);
