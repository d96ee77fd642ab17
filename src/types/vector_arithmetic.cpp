// Element-wise arithmetic and the functions that make a vector of another one.
#include <algorithm>
#include <cmath>

#include "core/distance.hpp"
#include "pg/bits.hpp"
#include "pg/numbers.hpp"
#include "types/vector.hpp"

using namespace medvec;

namespace {

const DistanceKernels kKernels = GetDistanceKernels();

void CheckOverflow(const Vector* vector) {
  if (!std::ranges::all_of(vector->elements(), [](float x) { return !std::isinf(x); })) float_overflow_error();
}

// Where to write the result of an operation on `a`. As the transition function of an aggregate it may overwrite its
// state, which is then neither allocated nor copied for each row; window frames keep a state they have shown.
Vector* ResultFor(FunctionCallInfo fcinfo, Vector* a) {
  if (AggCheckCallContext(fcinfo, nullptr) == AGG_CONTEXT_AGGREGATE) return a;
  return NewVector(a->dim);
}

template <class Operation>
Vector* Combine(const Vector* a, const Vector* b, Vector* result, Operation operation) {
  std::ranges::transform(a->elements(), b->elements(), result->x, operation);
  CheckOverflow(result);
  return result;
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_add) {
  Vector* a = GetVectorArg(fcinfo, 0);
  Vector* b = GetVectorArg(fcinfo, 1);
  CheckSameDim(a, b);
  Vector* result = Combine(a, b, ResultFor(fcinfo, a), [](float x, float y) { return x + y; });
  PG_FREE_IF_COPY(b, 1);
  PG_RETURN_POINTER(result);
}

MEDVEC_FUNCTION(medvec_vector_sub) {
  Vector* a = GetVectorArg(fcinfo, 0);
  Vector* b = GetVectorArg(fcinfo, 1);
  CheckSameDim(a, b);
  Vector* result = Combine(a, b, NewVector(a->dim), [](float x, float y) { return x - y; });
  PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  PG_RETURN_POINTER(result);
}

MEDVEC_FUNCTION(medvec_vector_mul) {
  Vector* a = GetVectorArg(fcinfo, 0);
  Vector* b = GetVectorArg(fcinfo, 1);
  CheckSameDim(a, b);
  Vector* result = NewVector(a->dim);
  for (int i = 0; i < result->dim; ++i) {
    const float product = a->x[i] * b->x[i];
    if (std::isinf(product)) float_overflow_error();
    if (product == 0 && a->x[i] != 0 && b->x[i] != 0) float_underflow_error();
    result->x[i] = product;
  }
  PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  PG_RETURN_POINTER(result);
}

MEDVEC_FUNCTION(medvec_vector_concat) {
  Vector* a = GetVectorArg(fcinfo, 0);
  Vector* b = GetVectorArg(fcinfo, 1);
  CheckDim(int64{a->dim} + b->dim);
  Vector* result = NewVector(a->dim + b->dim);
  std::ranges::copy(b->elements(), std::ranges::copy(a->elements(), result->x).out);
  PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  PG_RETURN_POINTER(result);
}

MEDVEC_FUNCTION(medvec_vector_l2_normalize) {
  Vector* vector = GetVectorArg(fcinfo, 0);
  const double norm = std::sqrt(kKernels.norm_squared(vector->x, static_cast<size_t>(vector->dim)));
  Vector* result = NewVector(vector->dim);
  std::ranges::transform(vector->elements(), result->x,
                         [norm](float x) { return norm > 0 ? static_cast<float>(x / norm) : 0.0f; });
  CheckOverflow(result);
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_POINTER(result);
}

// `count` elements from the 1-based `start`, cut at the ends of the vector as SQL's substring does.
MEDVEC_FUNCTION(medvec_vector_subvector) {
  Vector* vector = GetVectorArg(fcinfo, 0);
  const int64 start = PG_GETARG_INT32(1);
  const int64 count = PG_GETARG_INT32(2);
  const int64 first = std::max<int64>(start, 1);
  const int64 behind = std::min<int64>(start + count, int64{vector->dim} + 1);
  CheckDim(behind - first);
  Vector* result = NewVector(static_cast<int>(behind - first));
  std::copy_n(vector->x + (first - 1), result->dim, result->x);
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_POINTER(result);
}

// One bit for each element, set where it is positive; the first element is the leftmost bit.
MEDVEC_FUNCTION(medvec_vector_binary_quantize) {
  Vector* vector = GetVectorArg(fcinfo, 0);
  const Size size = VARBITTOTALLEN(vector->dim);
  VarBit* bits = static_cast<VarBit*>(palloc0(size));
  SET_VARSIZE(bits, size);
  VARBITLEN(bits) = vector->dim;
  for (int i = 0; i < vector->dim; ++i)
    if (vector->x[i] > 0) VARBITS(bits)[i / BITS_PER_BYTE] |= HIGHBIT >> (i % BITS_PER_BYTE);
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_VARBIT_P(bits);
}
