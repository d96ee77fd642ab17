#include "types/within.hpp"

#include "pg/index.hpp"
#include "pg/records.hpp"

namespace medvec {

namespace {

// The type of the first argument, as the function is declared: not asked for at each call.
Oid VectorType(FmgrInfo* function) {
  if (function->fn_extra == nullptr) {
    Oid* arguments;
    int count;
    get_func_signature(function->fn_oid, &arguments, &count);
    function->fn_extra = MemoryContextAlloc(function->fn_mcxt, sizeof(Oid));
    *static_cast<Oid*>(function->fn_extra) = arguments[0];
    pfree(arguments);
  }
  return *static_cast<Oid*>(function->fn_extra);
}

template <PGFunction distance>
Datum IsWithin(FunctionCallInfo fcinfo) {
  const DistanceRange range = GetDistanceRange(PG_GETARG_DATUM(1), VectorType(fcinfo->flinfo));
  if (range.is_null) PG_RETURN_NULL();
  PG_RETURN_BOOL(range.Holds(DatumGetFloat8(DirectFunctionCall2(distance, PG_GETARG_DATUM(0), range.query))));
}

}  // namespace

DistanceRange GetDistanceRange(Datum record, Oid type) {
  constexpr int kQuery = 0, kRadius = 1, kInclusive = 2, kMost = 3;
  HeapTupleHeader header = DatumGetHeapTupleHeader(record);
  const TupleDesc fields = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
  const auto is = [&](int field, Oid wanted) { return getBaseType(TupleDescAttr(fields, field)->atttypid) == wanted; };
  const bool fits = (fields->natts == kInclusive || fields->natts == kMost) && is(kQuery, type) &&
                    is(kRadius, FLOAT8OID) && (fields->natts < kMost || is(kInclusive, BOOLOID));
  if (!fits)
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("a range of distance has other fields than a %s and a "
                           "double precision",
                           format_type_be(type)),
                    errhint("Write ROW(v, r::double precision), with a third field true for distances of r.")));
  HeapTupleData tuple{};
  tuple.t_len = HeapTupleHeaderGetDatumLength(header);
  tuple.t_data = header;
  Datum values[kMost] = {};
  bool nulls[kMost] = {};
  heap_deform_tuple(&tuple, fields, values, nulls);
  ReleaseTupleDesc(fields);
  return {values[kQuery], nulls[kRadius] ? 0 : DatumGetFloat8(values[kRadius]), DatumGetBool(values[kInclusive]),
          nulls[kQuery] || nulls[kRadius] || nulls[kInclusive]};
}

}  // namespace medvec

// A range holds at least so much, and that where nothing is known: a LIMIT 10 should go to the index.
MEDVEC_FUNCTION(medvec_distance_within_sel) {
  constexpr double kUnknown = 0.001;
  List* args = reinterpret_cast<List*>(PG_GETARG_POINTER(2));
  // Values of other dimensions than the query's would be an error.
  if (list_length(args) != 2 || exprTypmod(static_cast<Node*>(linitial(args))) < 0) PG_RETURN_FLOAT8(kUnknown);
  const double share =
      generic_restriction_selectivity(reinterpret_cast<PlannerInfo*>(PG_GETARG_POINTER(0)), PG_GETARG_OID(1),
                                      PG_GET_COLLATION(), args, PG_GETARG_INT32(3), kUnknown);
  PG_RETURN_FLOAT8(Max(share, kUnknown));
}

#define MEDVEC_WITHIN(type, metric)                                                                                 \
  extern "C" Datum medvec_##type##_##metric(PG_FUNCTION_ARGS);                                                      \
  MEDVEC_FUNCTION(medvec_##type##_##metric##_within) { return medvec::IsWithin<medvec_##type##_##metric>(fcinfo); } \
  static_assert(true)

MEDVEC_WITHIN(vector, l2_distance);
MEDVEC_WITHIN(vector, negative_inner_product);
MEDVEC_WITHIN(vector, cosine_distance);
MEDVEC_WITHIN(vector, l1_distance);
MEDVEC_WITHIN(halfvec, l2_distance);
MEDVEC_WITHIN(halfvec, negative_inner_product);
MEDVEC_WITHIN(halfvec, cosine_distance);
MEDVEC_WITHIN(halfvec, l1_distance);
MEDVEC_WITHIN(sparsevec, l2_distance);
MEDVEC_WITHIN(sparsevec, negative_inner_product);
MEDVEC_WITHIN(sparsevec, cosine_distance);
MEDVEC_WITHIN(sparsevec, l1_distance);
MEDVEC_WITHIN(bit, hamming_distance);
MEDVEC_WITHIN(bit, jaccard_distance);
