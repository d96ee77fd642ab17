// Casts: the type modifier of a column, arrays to vectors and back, one precision to the other.
#include <algorithm>

#include "types/array_elements.hpp"
#include "types/dense.hpp"

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
  const int dim = CountArrayElements(array);
  CheckDim<Element>(dim);
  CheckTypmod(PG_GETARG_INT32(1), dim);

  auto* vector = NewDense<Element>(dim);
  if constexpr (std::is_same_v<Element, float>) {
    CopyArrayElements(array, vector->elements());
  } else {
    float* floats = static_cast<float*>(palloc(sizeof(float) * dim));
    CopyArrayElements(array, {floats, static_cast<size_t>(dim)});
    ConvertElements({floats, static_cast<size_t>(dim)}, vector->x);
    pfree(floats);
  }
  CheckFinite(vector);
  PG_FREE_IF_COPY(array, 0);
  PG_RETURN_POINTER(vector);
}

template <class Element>
Datum ToRealArray(FunctionCallInfo fcinfo) {
  auto* vector = GetDenseArg<Element>(fcinfo, 0);
  float* elements;
  ArrayType* array = NewRealArray(vector->dim, &elements);
  ConvertElements(vector->elements(), elements);
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
