// Element-wise arithmetic and the functions that make a vector of another one.
#include <algorithm>
#include <cmath>

#include "core/arithmetic.hpp"
#include "core/distance.hpp"
#include "pg/bits.hpp"
#include "pg/numbers.hpp"
#include "types/dense.hpp"

using namespace medvec;

namespace {

template <class Element>
const ArithmeticKernels<Element> kArithmetic = GetArithmeticKernels<Element>();

// Where to write the result of an operation on `a`. As the transition function of an aggregate it may overwrite its
// state, which is then neither allocated nor copied for each row; window frames keep a state they have shown.
template <class Element>
DenseVector<Element>* ResultFor(FunctionCallInfo fcinfo, DenseVector<Element>* a) {
  if (AggCheckCallContext(fcinfo, nullptr) == AGG_CONTEXT_AGGREGATE) return a;
  return NewDense<Element>(a->dim);
}

template <class Element>
Datum Add(FunctionCallInfo fcinfo) {
  auto* a = GetDenseArg<Element>(fcinfo, 0);
  auto* b = GetDenseArg<Element>(fcinfo, 1);
  CheckSameDim(a, b);
  auto* result = ResultFor(fcinfo, a);
  if (!kArithmetic<Element>.add(a->x, b->x, result->x, a->elements().size())) float_overflow_error();
  if (result != a) PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  PG_RETURN_POINTER(result);
}

template <class Element>
Datum Subtract(FunctionCallInfo fcinfo) {
  auto* a = GetDenseArg<Element>(fcinfo, 0);
  auto* b = GetDenseArg<Element>(fcinfo, 1);
  CheckSameDim(a, b);
  auto* result = NewDense<Element>(a->dim);
  if (!kArithmetic<Element>.subtract(a->x, b->x, result->x, a->elements().size())) float_overflow_error();
  PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  PG_RETURN_POINTER(result);
}

// The error of the first product out of range.
template <class Element>
void RaiseProductError(const DenseVector<Element>* a, const DenseVector<Element>* b,
                       std::span<const Element> products) {
  for (size_t i = 0; i < products.size(); ++i) {
    if (!IsFinite(products[i])) float_overflow_error();
    if (ToFloat(products[i]) == 0 && ToFloat(a->x[i]) != 0 && ToFloat(b->x[i]) != 0) float_underflow_error();
  }
}

template <class Element>
Datum Multiply(FunctionCallInfo fcinfo) {
  auto* a = GetDenseArg<Element>(fcinfo, 0);
  auto* b = GetDenseArg<Element>(fcinfo, 1);
  CheckSameDim(a, b);
  auto* result = NewDense<Element>(a->dim);
  if (!kArithmetic<Element>.multiply(a->x, b->x, result->x, a->elements().size()))
    RaiseProductError<Element>(a, b, result->elements());
  PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  PG_RETURN_POINTER(result);
}

template <class Element>
Datum Concat(FunctionCallInfo fcinfo) {
  auto* a = GetDenseArg<Element>(fcinfo, 0);
  auto* b = GetDenseArg<Element>(fcinfo, 1);
  CheckDim<Element>(int64{a->dim} + b->dim);
  auto* result = NewDense<Element>(a->dim + b->dim);
  std::ranges::copy(b->elements(), std::ranges::copy(a->elements(), result->x).out);
  PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  PG_RETURN_POINTER(result);
}

template <class Element>
Datum L2Normalize(FunctionCallInfo fcinfo) {
  auto* vector = GetDenseArg<Element>(fcinfo, 0);
  const size_t dim = vector->elements().size();
  const double norm = std::sqrt(GetDistanceKernels<Element>().norm_squared(vector->x, dim));
  auto* result = NewDense<Element>(vector->dim);
  kArithmetic<Element>.divide(vector->x, norm > 0 ? norm : 1, result->x, dim);  // a norm of 0: all elements are
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_POINTER(result);
}

// `count` elements from the 1-based `start`, cut at the ends of the vector as SQL's substring does.
template <class Element>
Datum Subvector(FunctionCallInfo fcinfo) {
  auto* vector = GetDenseArg<Element>(fcinfo, 0);
  const int64 start = PG_GETARG_INT32(1);
  const int64 count = PG_GETARG_INT32(2);
  const int64 first = std::max<int64>(start, 1);
  const int64 behind = std::min<int64>(start + count, int64{vector->dim} + 1);
  CheckDim<Element>(behind - first);
  auto* result = NewDense<Element>(static_cast<int>(behind - first));
  std::copy_n(vector->x + (first - 1), result->dim, result->x);
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_POINTER(result);
}

// One bit for each element, set where it is positive; the first element is the leftmost bit.
template <class Element>
Datum BinaryQuantize(FunctionCallInfo fcinfo) {
  auto* vector = GetDenseArg<Element>(fcinfo, 0);
  const Size size = VARBITTOTALLEN(vector->dim);
  VarBit* bits = static_cast<VarBit*>(palloc0(size));
  SET_VARSIZE(bits, size);
  VARBITLEN(bits) = vector->dim;
  for (int i = 0; i < vector->dim; ++i)
    if (ToFloat(vector->x[i]) > 0) VARBITS(bits)[i / BITS_PER_BYTE] |= HIGHBIT >> (i % BITS_PER_BYTE);
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_VARBIT_P(bits);
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_add) { return Add<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_add) { return Add<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_sub) { return Subtract<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_sub) { return Subtract<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_mul) { return Multiply<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_mul) { return Multiply<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_concat) { return Concat<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_concat) { return Concat<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_l2_normalize) { return L2Normalize<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_l2_normalize) { return L2Normalize<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_subvector) { return Subvector<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_subvector) { return Subvector<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_binary_quantize) { return BinaryQuantize<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_binary_quantize) { return BinaryQuantize<Half>(fcinfo); }
