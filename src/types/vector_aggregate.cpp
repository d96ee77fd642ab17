// avg(vector). The state is a float8 array {count, sum 1, ..., sum n}, {0} before the first vector; sum(vector) is
// vector_add.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "pg/arrays.hpp"
#include "pg/numbers.hpp"
#include "types/vector.hpp"

using namespace medvec;

namespace {

struct State {
  ArrayType* array;
  std::span<double> sums;

  double& count() const { return *(sums.data() - 1); }
};

State AsState(ArrayType* array) {
  double* values = reinterpret_cast<double*>(ARR_DATA_PTR(array));
  return {array, {values + 1, static_cast<size_t>(ARR_DIMS(array)[0] - 1)}};
}

// Anyone may call these functions with any array.
State GetStateArg(FunctionCallInfo fcinfo, int n, const char* caller) {
  ArrayType* array = PG_GETARG_ARRAYTYPE_P(n);
  if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] < 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != FLOAT8OID)
    elog(ERROR, "%s: expected state array", caller);
  return AsState(array);
}

State NewState(size_t dim) {
  const Size size = ARR_OVERHEAD_NONULLS(1) + sizeof(double) * (dim + 1);
  ArrayType* array = static_cast<ArrayType*>(palloc(size));
  SET_VARSIZE(array, size);
  array->ndim = 1;
  array->dataoffset = 0;  // no NULLs
  array->elemtype = FLOAT8OID;
  ARR_DIMS(array)[0] = static_cast<int>(dim + 1);
  ARR_LBOUND(array)[0] = 1;
  return AsState(array);
}

void CheckOverflow(std::span<const double> sums) {
  if (!std::ranges::all_of(sums, [](double x) { return !std::isinf(x); })) float_overflow_error();
}

// state := state + (count, elements), in place where `state` is an aggregate's own.
template <class Element>
State Accumulate(FunctionCallInfo fcinfo, State state, double count, std::span<const Element> elements) {
  if (state.sums.empty()) {
    State first = NewState(elements.size());
    first.count() = state.count() + count;
    std::ranges::copy(elements, first.sums.begin());
    return first;
  }
  CheckTypmod(static_cast<int32>(state.sums.size()), static_cast<int>(elements.size()));
  State result = AggCheckCallContext(fcinfo, nullptr) == AGG_CONTEXT_AGGREGATE ? state : NewState(state.sums.size());
  result.count() = state.count() + count;
  std::ranges::transform(state.sums, elements, result.sums.begin(), [](double sum, double x) { return sum + x; });
  CheckOverflow(result.sums);
  return result;
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_accum) {
  const State state = GetStateArg(fcinfo, 0, "vector_accum");
  Vector* vector = GetVectorArg(fcinfo, 1);
  const State result = Accumulate(fcinfo, state, 1, std::span<const float>(vector->elements()));
  PG_FREE_IF_COPY(vector, 1);
  PG_RETURN_ARRAYTYPE_P(result.array);
}

MEDVEC_FUNCTION(medvec_vector_combine) {
  const State a = GetStateArg(fcinfo, 0, "vector_combine");
  const State b = GetStateArg(fcinfo, 1, "vector_combine");
  if (b.count() == 0) PG_RETURN_ARRAYTYPE_P(a.array);
  if (a.count() == 0) PG_RETURN_ARRAYTYPE_P(b.array);
  PG_RETURN_ARRAYTYPE_P(Accumulate(fcinfo, a, b.count(), std::span<const double>(b.sums)).array);
}

MEDVEC_FUNCTION(medvec_vector_avg) {
  const State state = GetStateArg(fcinfo, 0, "vector_avg");
  const double count = state.count();
  if (count == 0) PG_RETURN_NULL();  // as SQL's avg of no rows
  CheckDim(static_cast<int64>(state.sums.size()));
  Vector* result = NewVector(static_cast<int>(state.sums.size()));
  std::ranges::transform(state.sums, result->x, [count](double sum) { return static_cast<float>(sum / count); });
  CheckFinite(result->elements());
  PG_RETURN_POINTER(result);
}
