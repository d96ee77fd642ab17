// Element-wise arithmetic and the functions that make a vector of another one.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/distance.hpp"
#include "pg/bits.hpp"
#include "pg/numbers.hpp"
#include "types/vector.hpp"

using namespace medvec;

namespace {

const DistanceKernels kKernels = GetDistanceKernels();

// Where to write the result of an operation on `a`. As the transition function of an aggregate it may overwrite its
// state, which is then neither allocated nor copied for each row; window frames keep a state they have shown.
Vector* ResultFor(FunctionCallInfo fcinfo, Vector* a) {
  if (AggCheckCallContext(fcinfo, nullptr) == AGG_CONTEXT_AGGREGATE) return a;
  return NewVector(a->dim);
}

// Loops that -O2 leaves scalar: sum(vector) over 384 dimensions takes 420 instead of 710 ns a row.
#pragma GCC push_options
#pragma GCC optimize("O3")

void Add(const float* a, const float* b, float* result, int dim) {
  for (int i = 0; i < dim; ++i) result[i] = a[i] + b[i];
}

void Subtract(const float* a, const float* b, float* result, int dim) {
  for (int i = 0; i < dim; ++i) result[i] = a[i] - b[i];
}

bool IsFinite(const float* x, int dim) {
  int beyond = 0;
  for (int i = 0; i < dim; ++i) beyond |= !(std::fabs(x[i]) <= std::numeric_limits<float>::max());
  return beyond == 0;
}

#pragma GCC pop_options

void CheckOverflow(const Vector* vector) {
  if (!IsFinite(vector->x, vector->dim)) float_overflow_error();
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_add) {
  Vector* a = GetVectorArg(fcinfo, 0);
  Vector* b = GetVectorArg(fcinfo, 1);
  CheckSameDim(a, b);
  Vector* result = ResultFor(fcinfo, a);
  Add(a->x, b->x, result->x, a->dim);
  CheckOverflow(result);
  if (result != a) PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  PG_RETURN_POINTER(result);
}

MEDVEC_FUNCTION(medvec_vector_sub) {
  Vector* a = GetVectorArg(fcinfo, 0);
  Vector* b = GetVectorArg(fcinfo, 1);
  CheckSameDim(a, b);
  Vector* result = NewVector(a->dim);
  Subtract(a->x, b->x, result->x, a->dim);
  CheckOverflow(result);
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
