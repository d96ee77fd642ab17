-- filter columns: support function 2 says how their values are kept; operators are numbered as those of B-tree

CREATE FUNCTION hnsw_byte_filter(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_byte_filter' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_int2_filter(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_int2_filter' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_int4_filter(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_int4_filter' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_int8_filter(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_int8_filter' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_oid_filter(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_oid_filter' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_float4_filter(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_float4_filter' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_float8_filter(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_float8_filter' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_enum_filter(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_enum_filter' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_uuid_filter(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_uuid_filter' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_hash_filter(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_hash_filter' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_numeric_filter(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_numeric_filter' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_array_filter(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'medvec_hnsw_array_filter' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR FAMILY integer_ops USING hnsw;
CREATE OPERATOR CLASS int2_ops DEFAULT FOR TYPE int2 USING hnsw FAMILY integer_ops AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_int2_filter(internal);
CREATE OPERATOR CLASS int4_ops DEFAULT FOR TYPE int4 USING hnsw FAMILY integer_ops AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_int4_filter(internal);
CREATE OPERATOR CLASS int8_ops DEFAULT FOR TYPE int8 USING hnsw FAMILY integer_ops AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_int8_filter(internal);
ALTER OPERATOR FAMILY integer_ops USING hnsw ADD
	OPERATOR 1 < (int2, int4), OPERATOR 2 <= (int2, int4), OPERATOR 3 = (int2, int4), OPERATOR 4 >= (int2, int4), OPERATOR 5 > (int2, int4),
	OPERATOR 1 < (int2, int8), OPERATOR 2 <= (int2, int8), OPERATOR 3 = (int2, int8), OPERATOR 4 >= (int2, int8), OPERATOR 5 > (int2, int8),
	OPERATOR 1 < (int4, int2), OPERATOR 2 <= (int4, int2), OPERATOR 3 = (int4, int2), OPERATOR 4 >= (int4, int2), OPERATOR 5 > (int4, int2),
	OPERATOR 1 < (int4, int8), OPERATOR 2 <= (int4, int8), OPERATOR 3 = (int4, int8), OPERATOR 4 >= (int4, int8), OPERATOR 5 > (int4, int8),
	OPERATOR 1 < (int8, int2), OPERATOR 2 <= (int8, int2), OPERATOR 3 = (int8, int2), OPERATOR 4 >= (int8, int2), OPERATOR 5 > (int8, int2),
	OPERATOR 1 < (int8, int4), OPERATOR 2 <= (int8, int4), OPERATOR 3 = (int8, int4), OPERATOR 4 >= (int8, int4), OPERATOR 5 > (int8, int4);

CREATE OPERATOR FAMILY float_ops USING hnsw;
CREATE OPERATOR CLASS float4_ops DEFAULT FOR TYPE float4 USING hnsw FAMILY float_ops AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_float4_filter(internal);
CREATE OPERATOR CLASS float8_ops DEFAULT FOR TYPE float8 USING hnsw FAMILY float_ops AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_float8_filter(internal);
ALTER OPERATOR FAMILY float_ops USING hnsw ADD
	OPERATOR 1 < (float4, float8), OPERATOR 2 <= (float4, float8), OPERATOR 3 = (float4, float8), OPERATOR 4 >= (float4, float8), OPERATOR 5 > (float4, float8),
	OPERATOR 1 < (float8, float4), OPERATOR 2 <= (float8, float4), OPERATOR 3 = (float8, float4), OPERATOR 4 >= (float8, float4), OPERATOR 5 > (float8, float4);

CREATE OPERATOR FAMILY datetime_ops USING hnsw;
CREATE OPERATOR CLASS date_ops DEFAULT FOR TYPE date USING hnsw FAMILY datetime_ops AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_int4_filter(internal);
CREATE OPERATOR CLASS timestamp_ops DEFAULT FOR TYPE timestamp USING hnsw FAMILY datetime_ops AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_int8_filter(internal);
CREATE OPERATOR CLASS timestamptz_ops DEFAULT FOR TYPE timestamptz USING hnsw FAMILY datetime_ops AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_int8_filter(internal);
ALTER OPERATOR FAMILY datetime_ops USING hnsw ADD
	OPERATOR 1 < (date, timestamp), OPERATOR 2 <= (date, timestamp), OPERATOR 3 = (date, timestamp), OPERATOR 4 >= (date, timestamp), OPERATOR 5 > (date, timestamp),
	OPERATOR 1 < (date, timestamptz), OPERATOR 2 <= (date, timestamptz), OPERATOR 3 = (date, timestamptz), OPERATOR 4 >= (date, timestamptz), OPERATOR 5 > (date, timestamptz),
	OPERATOR 1 < (timestamp, date), OPERATOR 2 <= (timestamp, date), OPERATOR 3 = (timestamp, date), OPERATOR 4 >= (timestamp, date), OPERATOR 5 > (timestamp, date),
	OPERATOR 1 < (timestamp, timestamptz), OPERATOR 2 <= (timestamp, timestamptz), OPERATOR 3 = (timestamp, timestamptz), OPERATOR 4 >= (timestamp, timestamptz), OPERATOR 5 > (timestamp, timestamptz),
	OPERATOR 1 < (timestamptz, date), OPERATOR 2 <= (timestamptz, date), OPERATOR 3 = (timestamptz, date), OPERATOR 4 >= (timestamptz, date), OPERATOR 5 > (timestamptz, date),
	OPERATOR 1 < (timestamptz, timestamp), OPERATOR 2 <= (timestamptz, timestamp), OPERATOR 3 = (timestamptz, timestamp), OPERATOR 4 >= (timestamptz, timestamp), OPERATOR 5 > (timestamptz, timestamp);

CREATE OPERATOR CLASS bool_ops DEFAULT FOR TYPE bool USING hnsw AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_byte_filter(internal);
CREATE OPERATOR CLASS char_ops DEFAULT FOR TYPE "char" USING hnsw AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_byte_filter(internal);
CREATE OPERATOR CLASS oid_ops DEFAULT FOR TYPE oid USING hnsw AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_oid_filter(internal);
CREATE OPERATOR CLASS time_ops DEFAULT FOR TYPE time USING hnsw AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_int8_filter(internal);
CREATE OPERATOR CLASS uuid_ops DEFAULT FOR TYPE uuid USING hnsw AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_uuid_filter(internal);
CREATE OPERATOR CLASS enum_ops DEFAULT FOR TYPE anyenum USING hnsw AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_enum_filter(internal);
CREATE OPERATOR CLASS numeric_ops DEFAULT FOR TYPE numeric USING hnsw AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_numeric_filter(internal);
CREATE OPERATOR CLASS text_ops DEFAULT FOR TYPE text USING hnsw AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_hash_filter(internal);
CREATE OPERATOR CLASS bpchar_ops DEFAULT FOR TYPE bpchar USING hnsw AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 2 hnsw_hash_filter(internal);
CREATE OPERATOR CLASS array_ops DEFAULT FOR TYPE anyarray USING hnsw AS
	OPERATOR 1 &&, OPERATOR 2 @>,
	FUNCTION 2 hnsw_array_filter(internal);
