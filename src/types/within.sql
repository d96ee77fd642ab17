-- Ranges of distance: `v <<-> ROW(q, r)` is `v <-> q < r`, with a third field true it is `<=`. The planner makes such conditions
-- of comparisons, for the index; nobody has to write them. How many rows a range holds is estimated from the column's statistics; one in
-- 1,000 where there are none (ANALYZE leaves out what is wider than 1 kB) or the range is not known yet.

CREATE FUNCTION distance_within_sel(internal, oid, internal, integer) RETURNS float8
	AS 'MODULE_PATHNAME', 'medvec_distance_within_sel' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION l2_distance_within(vector, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_vector_l2_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION negative_inner_product_within(vector, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_vector_negative_inner_product_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cosine_distance_within(vector, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_vector_cosine_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION l1_distance_within(vector, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_vector_l1_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR <<-> (
	LEFTARG = vector, RIGHTARG = record, FUNCTION = l2_distance_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
);
CREATE OPERATOR <<#> (
	LEFTARG = vector, RIGHTARG = record, FUNCTION = negative_inner_product_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
);
CREATE OPERATOR <<=> (
	LEFTARG = vector, RIGHTARG = record, FUNCTION = cosine_distance_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
);
CREATE OPERATOR <<+> (
	LEFTARG = vector, RIGHTARG = record, FUNCTION = l1_distance_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
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
	LEFTARG = halfvec, RIGHTARG = record, FUNCTION = l2_distance_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
);
CREATE OPERATOR <<#> (
	LEFTARG = halfvec, RIGHTARG = record, FUNCTION = negative_inner_product_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
);
CREATE OPERATOR <<=> (
	LEFTARG = halfvec, RIGHTARG = record, FUNCTION = cosine_distance_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
);
CREATE OPERATOR <<+> (
	LEFTARG = halfvec, RIGHTARG = record, FUNCTION = l1_distance_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
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
	LEFTARG = sparsevec, RIGHTARG = record, FUNCTION = l2_distance_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
);
CREATE OPERATOR <<#> (
	LEFTARG = sparsevec, RIGHTARG = record, FUNCTION = negative_inner_product_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
);
CREATE OPERATOR <<=> (
	LEFTARG = sparsevec, RIGHTARG = record, FUNCTION = cosine_distance_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
);
CREATE OPERATOR <<+> (
	LEFTARG = sparsevec, RIGHTARG = record, FUNCTION = l1_distance_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
);

CREATE FUNCTION hamming_distance_within(bit, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_bit_hamming_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION jaccard_distance_within(bit, record) RETURNS boolean
	AS 'MODULE_PATHNAME', 'medvec_bit_jaccard_distance_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR <<~> (
	LEFTARG = bit, RIGHTARG = record, FUNCTION = hamming_distance_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
);
CREATE OPERATOR <<%> (
	LEFTARG = bit, RIGHTARG = record, FUNCTION = jaccard_distance_within, RESTRICT = distance_within_sel, JOIN = contjoinsel
);
