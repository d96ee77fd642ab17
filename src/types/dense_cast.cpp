// Casts: the type modifier of a column, arrays to vectors and back, one precision to the other.
#include <algorithm>

#include "types/dense.hpp"
#include "types/number_array.hpp"

using namespace medvec;

namespace {

template <class Element>
Datum ToTypmod(FunctionCallInfo fcinfo) {
  auto* vector = GetDenseArg<Element>(fcinfo, 0);
  CheckTypmod(PG_GETARG_INT32(1), vector->dim);
  PG_RETURN_POINTER(vector);
}

template <class Element>
Datum FromArray(FunctionCallInfo fcinfo) {
  ArrayType* array = PG_GETARG_ARRAYTYPE_P(0);
  const int dim = CountNumbers(array);
  CheckDim<Element>(dim);
  CheckTypmod(PG_GETARG_INT32(1), dim);

  auto* vector = NewDense<Element>(dim);
  if constexpr (std::is_same_v<Element, float>) {
    ReadNumbers(array, vector->elements());
  } else {
    const std::span numbers(static_cast<float*>(palloc(sizeof(float) * dim)), static_cast<size_t>(dim));
    ReadNumbers(array, numbers);
    ConvertElements(numbers, vector->x);
    pfree(numbers.data());
  }
  CheckFinite(vector);
  PG_FREE_IF_COPY(array, 0);
  PG_RETURN_POINTER(vector);
}

template <class Element>
Datum ToRealArray(FunctionCallInfo fcinfo) {
  auto* vector = GetDenseArg<Element>(fcinfo, 0);
  const Size size = ARR_OVERHEAD_NONULLS(1) + sizeof(float4) * vector->dim;
  ArrayType* array = static_cast<ArrayType*>(palloc(size));
  SET_VARSIZE(array, size);
  array->ndim = 1;
  array->dataoffset = 0;  // no NULLs
  array->elemtype = FLOAT4OID;
  ARR_DIMS(array)[0] = vector->dim;
  ARR_LBOUND(array)[0] = 1;
  ConvertElements(vector->elements(), reinterpret_cast<float*>(ARR_DATA_PTR(array)));
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_ARRAYTYPE_P(array);
}

template <class From, class To>
Datum ToPrecision(FunctionCallInfo fcinfo) {
  auto* vector = GetDenseArg<From>(fcinfo, 0);
  CheckTypmod(PG_GETARG_INT32(1), vector->dim);
  auto* result = NewDense<To>(vector->dim);
  ConvertElements(vector->elements(), result->x);
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_POINTER(result);
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_to_vector) { return ToTypmod<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_to_halfvec) { return ToTypmod<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_array_to_vector) { return FromArray<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_array_to_halfvec) { return FromArray<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_to_float4) { return ToRealArray<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_to_float4) { return ToRealArray<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_to_halfvec) { return ToPrecision<float, Half>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_to_vector) { return ToPrecision<Half, float>(fcinfo); }
