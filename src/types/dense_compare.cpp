// Order of vectors: element by element, then by dimensions, as SQL arrays are ordered.
#include <algorithm>

#include "types/dense.hpp"

using namespace medvec;

namespace {

template <class Element>
int CompareArgs(FunctionCallInfo fcinfo) {
  auto* a = GetDenseArg<Element>(fcinfo, 0);
  auto* b = GetDenseArg<Element>(fcinfo, 1);
  const int common = std::min(a->dim, b->dim);
  const auto equal = [](Element x, Element y) { return ToFloat(x) == ToFloat(y); };  // -0 equals 0
  const auto [x, y] = std::mismatch(a->x, a->x + common, b->x, equal);
  const int order = x != a->x + common ? (ToFloat(*x) < ToFloat(*y) ? -1 : 1) : (a->dim > b->dim) - (a->dim < b->dim);
  PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  return order;
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_lt) { PG_RETURN_BOOL(CompareArgs<float>(fcinfo) < 0); }
MEDVEC_FUNCTION(medvec_vector_le) { PG_RETURN_BOOL(CompareArgs<float>(fcinfo) <= 0); }
MEDVEC_FUNCTION(medvec_vector_eq) { PG_RETURN_BOOL(CompareArgs<float>(fcinfo) == 0); }
MEDVEC_FUNCTION(medvec_vector_ne) { PG_RETURN_BOOL(CompareArgs<float>(fcinfo) != 0); }
MEDVEC_FUNCTION(medvec_vector_ge) { PG_RETURN_BOOL(CompareArgs<float>(fcinfo) >= 0); }
MEDVEC_FUNCTION(medvec_vector_gt) { PG_RETURN_BOOL(CompareArgs<float>(fcinfo) > 0); }
MEDVEC_FUNCTION(medvec_vector_cmp) { PG_RETURN_INT32(CompareArgs<float>(fcinfo)); }

MEDVEC_FUNCTION(medvec_halfvec_lt) { PG_RETURN_BOOL(CompareArgs<Half>(fcinfo) < 0); }
MEDVEC_FUNCTION(medvec_halfvec_le) { PG_RETURN_BOOL(CompareArgs<Half>(fcinfo) <= 0); }
MEDVEC_FUNCTION(medvec_halfvec_eq) { PG_RETURN_BOOL(CompareArgs<Half>(fcinfo) == 0); }
MEDVEC_FUNCTION(medvec_halfvec_ne) { PG_RETURN_BOOL(CompareArgs<Half>(fcinfo) != 0); }
MEDVEC_FUNCTION(medvec_halfvec_ge) { PG_RETURN_BOOL(CompareArgs<Half>(fcinfo) >= 0); }
MEDVEC_FUNCTION(medvec_halfvec_gt) { PG_RETURN_BOOL(CompareArgs<Half>(fcinfo) > 0); }
MEDVEC_FUNCTION(medvec_halfvec_cmp) { PG_RETURN_INT32(CompareArgs<Half>(fcinfo)); }
