// avg. The state is a float8 array {count, sum 1, ..., sum n}, {0} before the first vector; sum is vector_add and
// halfvec_add.
#include <algorithm>
#include <cmath>

#include "core/arithmetic.hpp"
#include "pg/arrays.hpp"
#include "pg/numbers.hpp"
#include "types/dense.hpp"

using namespace medvec;

namespace {

template <class Element>
const ArithmeticKernels<Element> kArithmetic = GetArithmeticKernels<Element>();

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

// Calls add(sums of `state`, sums of the new state), which is in place where `state` is an aggregate's own.
template <class AddTo>
Datum Accumulate(FunctionCallInfo fcinfo, State state, double count, size_t dim, AddTo add) {
  if (!state.sums.empty()) CheckTypmod(static_cast<int32>(state.sums.size()), static_cast<int>(dim));
  const bool in_place = !state.sums.empty() && AggCheckCallContext(fcinfo, nullptr) == AGG_CONTEXT_AGGREGATE;
  State result = in_place ? state : NewState(dim);
  if (state.sums.empty()) std::ranges::fill(result.sums, -0.0);  // what changes no number it is added to
  result.count() = state.count() + count;
  add(state.sums.empty() ? result.sums.data() : state.sums.data(), result.sums.data());
  CheckOverflow(result.sums);
  PG_RETURN_ARRAYTYPE_P(result.array);
}

template <class Element>
Datum Accum(FunctionCallInfo fcinfo, const char* caller) {
  const State state = GetStateArg(fcinfo, 0, caller);
  auto* vector = GetDenseArg<Element>(fcinfo, 1);
  const size_t dim = vector->elements().size();
  const Datum result = Accumulate(fcinfo, state, 1, dim, [&](const double* sums, double* new_sums) {
    kArithmetic<Element>.accumulate(sums, vector->x, new_sums, dim);
  });
  PG_FREE_IF_COPY(vector, 1);
  return result;
}

Datum Combine(FunctionCallInfo fcinfo, const char* caller) {
  const State a = GetStateArg(fcinfo, 0, caller);
  const State b = GetStateArg(fcinfo, 1, caller);
  if (b.count() == 0) PG_RETURN_ARRAYTYPE_P(a.array);
  if (a.count() == 0) PG_RETURN_ARRAYTYPE_P(b.array);
  return Accumulate(fcinfo, a, b.count(), b.sums.size(), [&](const double* sums, double* new_sums) {
    for (size_t i = 0; i < b.sums.size(); ++i) new_sums[i] = sums[i] + b.sums[i];
  });
}

template <class Element>
Datum Average(FunctionCallInfo fcinfo, const char* caller) {
  const State state = GetStateArg(fcinfo, 0, caller);
  const double count = state.count();
  if (count == 0) PG_RETURN_NULL();  // as SQL's avg of no rows
  const size_t dim = state.sums.size();
  CheckDim<Element>(static_cast<int64>(dim));
  auto* result = NewDense<Element>(static_cast<int>(dim));
  float* means = static_cast<float*>(palloc(sizeof(float) * dim));
  std::ranges::transform(state.sums, means, [count](double sum) { return static_cast<float>(sum / count); });
  ConvertElements({means, dim}, result->x);
  pfree(means);
  CheckFinite(result);
  PG_RETURN_POINTER(result);
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_accum) { return Accum<float>(fcinfo, "vector_accum"); }
MEDVEC_FUNCTION(medvec_vector_combine) { return Combine(fcinfo, "vector_combine"); }
MEDVEC_FUNCTION(medvec_vector_avg) { return Average<float>(fcinfo, "vector_avg"); }

MEDVEC_FUNCTION(medvec_halfvec_accum) { return Accum<Half>(fcinfo, "halfvec_accum"); }
MEDVEC_FUNCTION(medvec_halfvec_combine) { return Combine(fcinfo, "halfvec_combine"); }
MEDVEC_FUNCTION(medvec_halfvec_avg) { return Average<Half>(fcinfo, "halfvec_avg"); }
