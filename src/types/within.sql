-- Ranges of distance: `v <<-> ROW(q, r)` is `v <-> q < r`, with a third field true it is `<=`. The planner makes such conditions
-- of comparisons, for the index; nobody has to write them. A range is taken to hold one row in 1,000.

CREATE FUNCTION l2_distance_within(vector, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_vector_l2_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION negative_inner_product_within(vector, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_vector_negative_inner_product_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cosine_distance_within(vector, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_vector_cosine_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION l1_distance_within(vector, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_vector_l1_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR <<-> (
	LEFTARG = vector, RIGHTARG = record, FUNCTION = l2_distance_within, RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR <<#> (
	LEFTARG = vector, RIGHTARG = record, FUNCTION = negative_inner_product_within, RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR <<=> (
	LEFTARG = vector, RIGHTARG = record, FUNCTION = cosine_distance_within, RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR <<+> (
	LEFTARG = vector, RIGHTARG = record, FUNCTION = l1_distance_within, RESTRICT = contsel, JOIN = contjoinsel
);

CREATE FUNCTION l2_distance_within(halfvec, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_halfvec_l2_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION negative_inner_product_within(halfvec, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_halfvec_negative_inner_product_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cosine_distance_within(halfvec, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_halfvec_cosine_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION l1_distance_within(halfvec, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_halfvec_l1_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR <<-> (
	LEFTARG = halfvec, RIGHTARG = record, FUNCTION = l2_distance_within, RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR <<#> (
	LEFTARG = halfvec, RIGHTARG = record, FUNCTION = negative_inner_product_within, RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR <<=> (
	LEFTARG = halfvec, RIGHTARG = record, FUNCTION = cosine_distance_within, RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR <<+> (
	LEFTARG = halfvec, RIGHTARG = record, FUNCTION = l1_distance_within, RESTRICT = contsel, JOIN = contjoinsel
);

CREATE FUNCTION l2_distance_within(sparsevec, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_sparsevec_l2_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION negative_inner_product_within(sparsevec, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_sparsevec_negative_inner_product_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cosine_distance_within(sparsevec, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_sparsevec_cosine_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION l1_distance_within(sparsevec, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_sparsevec_l1_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR <<-> (
	LEFTARG = sparsevec, RIGHTARG = record, FUNCTION = l2_distance_within, RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR <<#> (
	LEFTARG = sparsevec, RIGHTARG = record, FUNCTION = negative_inner_product_within, RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR <<=> (
	LEFTARG = sparsevec, RIGHTARG = record, FUNCTION = cosine_distance_within, RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR <<+> (
	LEFTARG = sparsevec, RIGHTARG = record, FUNCTION = l1_distance_within, RESTRICT = contsel, JOIN = contjoinsel
);

CREATE FUNCTION hamming_distance_within(bit, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_bit_hamming_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION jaccard_distance_within(bit, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_bit_jaccard_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR <<~> (
	LEFTARG = bit, RIGHTARG = record, FUNCTION = hamming_distance_within, RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR <<%> (
	LEFTARG = bit, RIGHTARG = record, FUNCTION = jaccard_distance_within, RESTRICT = contsel, JOIN = contjoinsel
);
