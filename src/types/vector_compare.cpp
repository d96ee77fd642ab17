// Order of vectors: element by element, then by dimensions, as SQL arrays are ordered.
#include <algorithm>

#include "types/vector.hpp"

using namespace medvec;

namespace {

int CompareArgs(FunctionCallInfo fcinfo) {
  Vector* a = GetVectorArg(fcinfo, 0);
  Vector* b = GetVectorArg(fcinfo, 1);
  const int common = std::min(a->dim, b->dim);
  const auto [x, y] = std::mismatch(a->x, a->x + common, b->x);  // by value: -0 equals 0
  const int order = x != a->x + common ? (*x < *y ? -1 : 1) : (a->dim > b->dim) - (a->dim < b->dim);
  PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  return order;
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_lt) { PG_RETURN_BOOL(CompareArgs(fcinfo) < 0); }
MEDVEC_FUNCTION(medvec_vector_le) { PG_RETURN_BOOL(CompareArgs(fcinfo) <= 0); }
MEDVEC_FUNCTION(medvec_vector_eq) { PG_RETURN_BOOL(CompareArgs(fcinfo) == 0); }
MEDVEC_FUNCTION(medvec_vector_ne) { PG_RETURN_BOOL(CompareArgs(fcinfo) != 0); }
MEDVEC_FUNCTION(medvec_vector_ge) { PG_RETURN_BOOL(CompareArgs(fcinfo) >= 0); }
MEDVEC_FUNCTION(medvec_vector_gt) { PG_RETURN_BOOL(CompareArgs(fcinfo) > 0); }
MEDVEC_FUNCTION(medvec_vector_cmp) { PG_RETURN_INT32(CompareArgs(fcinfo)); }
