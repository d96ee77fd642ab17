-- Distances and a cast for the server's type bit(n): the declarations of src/types/bit_*.cpp.

CREATE FUNCTION hamming_distance(bit, bit) RETURNS double precision
	AS 'MODULE_PATHNAME', 'medvec_bit_hamming_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION jaccard_distance(bit, bit) RETURNS double precision
	AS 'MODULE_PATHNAME', 'medvec_bit_jaccard_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR <~> (
	LEFTARG = bit, RIGHTARG = bit, FUNCTION = hamming_distance, COMMUTATOR = <~>
);

CREATE OPERATOR <%> (
	LEFTARG = bit, RIGHTARG = bit, FUNCTION = jaccard_distance, COMMUTATOR = <%>
);

-- All bits of the bytes, whatever their number; a cast to bit(n) wants n bits.

CREATE FUNCTION bytea_to_bit(bytea) RETURNS bit
	AS 'MODULE_PATHNAME', 'medvec_bytea_to_bit' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION bytea_to_bit(bytea, integer, boolean) RETURNS bit
	AS 'MODULE_PATHNAME', 'medvec_bytea_to_bit' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (bytea AS bit) WITH FUNCTION bytea_to_bit(bytea, integer, boolean);
