#include "types/dimensions.hpp"

#include "pg/arrays.hpp"
#include "pg/numbers.hpp"

namespace medvec {

void CheckDim(const char* type, int64 dim, int max) {
  if (dim < 1) ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("%s must have at least 1 dimension", type)));
  if (dim > max)
    ereport(ERROR,
            (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s cannot have more than %d dimensions", type, max)));
}

void CheckTypmod(int32 typmod, int dim) {
  if (typmod != -1 && typmod != dim)
    ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected %d dimensions, not %d", typmod, dim)));
}

int32 ReadTypmod(FunctionCallInfo fcinfo, const char* type, int max) {
  int count;
  const int32* modifiers = ArrayGetIntegerTypmods(PG_GETARG_ARRAYTYPE_P(0), &count);
  if (count != 1) ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid type modifier")));
  if (*modifiers < 1)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("dimensions for type %s must be at least 1", type)));
  if (*modifiers > max)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("dimensions for type %s cannot exceed %d", type, max)));
  return *modifiers;
}

void RaiseDifferentDims(const char* type, int a, int b) {
  ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("different %s dimensions %d and %d", type, a, b)));
  pg_unreachable();
}

void RaiseNotFinite(const char* type, bool is_nan) {
  if (is_nan) ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("NaN not allowed in %s", type)));
  ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("infinite value not allowed in %s", type)));
  pg_unreachable();
}

void RaiseOutOfRange(const char* type, float value) {
  char number[FLOAT_SHORTEST_DECIMAL_LEN];
  float_to_shortest_decimal_buf(value, number);
  ereport(ERROR,
          (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("\"%s\" is out of range for type %s", number, type)));
  pg_unreachable();
}

}  // namespace medvec
