#include "types/vector.hpp"

#include <cmath>

#include "pg/arrays.hpp"

namespace medvec {

Vector* NewVector(int dim) {
  const Size size = VectorSize(dim);
  Vector* vector = static_cast<Vector*>(palloc(size));
  SET_VARSIZE(vector, size);
  vector->dim = static_cast<int16>(dim);
  vector->unused = 0;
  return vector;
}

void CheckDim(int64 dim) {
  if (dim < 1) ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("vector must have at least 1 dimension")));
  if (dim > kMaxVectorDim)
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                    errmsg("vector cannot have more than %d dimensions", kMaxVectorDim)));
}

void CheckTypmod(int32 typmod, int dim) {
  if (typmod != -1 && typmod != dim)
    ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected %d dimensions, not %d", typmod, dim)));
}

void RaiseDifferentDims(int a, int b) {
  ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("different vector dimensions %d and %d", a, b)));
  pg_unreachable();
}

void CheckFinite(std::span<const float> elements) {
  for (const float element : elements) {
    if (likely(std::isfinite(element))) continue;
    if (std::isnan(element)) ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("NaN not allowed in vector")));
    ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("infinite value not allowed in vector")));
  }
}

}  // namespace medvec

using namespace medvec;

MEDVEC_FUNCTION(medvec_vector_typmod_in) {
  int count;
  const int32* modifiers = ArrayGetIntegerTypmods(PG_GETARG_ARRAYTYPE_P(0), &count);
  if (count != 1) ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid type modifier")));
  if (*modifiers < 1)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("dimensions for type vector must be at least 1")));
  if (*modifiers > kMaxVectorDim)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("dimensions for type vector cannot exceed %d", kMaxVectorDim)));
  PG_RETURN_INT32(*modifiers);
}

// The dimensions stand in front, so a vector stored out of line need not be fetched whole.
MEDVEC_FUNCTION(medvec_vector_dims) {
  const Vector* head = reinterpret_cast<Vector*>(
      PG_DETOAST_DATUM_SLICE(PG_GETARG_DATUM(0), 0, offsetof(Vector, x) - offsetof(Vector, dim)));
  PG_RETURN_INT32(head->dim);
}
