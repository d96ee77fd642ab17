// Casts: the type modifier of a column, arrays to sparse vectors, dense vectors to sparse ones and back.
#include <algorithm>
#include <cmath>

#include "types/dense.hpp"
#include "types/number_array.hpp"
#include "types/sparsevec.hpp"

using namespace medvec;

namespace {

SparseVec* NewSparseVecOf(std::span<const float> elements) {
  const auto nnz = std::ranges::count_if(elements, [](float element) { return element != 0; });
  const int dim = static_cast<int>(elements.size());
  CheckSparse(CheckSparseShape(dim, nnz));
  SparseVec* vector = NewSparseVec(dim, static_cast<int>(nnz));
  int32* index = vector->index;
  float* value = vector->values().data();
  for (int i = 0; i < dim; ++i) {
    if (elements[i] == 0) continue;
    if (unlikely(!std::isfinite(elements[i]))) RaiseNotFinite(vector->kType, std::isnan(elements[i]));
    *index++ = i;
    *value++ = elements[i];
  }
  return vector;
}

template <class Element>
Datum FromDense(FunctionCallInfo fcinfo) {
  auto* dense = GetDenseArg<Element>(fcinfo, 0);
  CheckTypmod(PG_GETARG_INT32(1), dense->dim);
  float* elements = static_cast<float*>(palloc(sizeof(float) * dense->dim));
  ConvertElements(dense->elements(), elements);
  SparseVec* vector = NewSparseVecOf({elements, static_cast<size_t>(dense->dim)});
  pfree(elements);
  PG_FREE_IF_COPY(dense, 0);
  PG_RETURN_POINTER(vector);
}

template <class Element>
Datum ToDense(FunctionCallInfo fcinfo) {
  SparseVec* vector = GetSparseVecArg(fcinfo, 0);
  CheckDim<Element>(vector->dim);
  CheckTypmod(PG_GETARG_INT32(1), vector->dim);
  Element* values = static_cast<Element*>(palloc(sizeof(Element) * vector->nnz));
  ConvertElements(vector->values(), values);
  auto* dense = NewDense<Element>(vector->dim);
  std::ranges::fill(dense->elements(), Element{});
  for (int i = 0; i < vector->nnz; ++i) dense->x[vector->index[i]] = values[i];
  pfree(values);
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_POINTER(dense);
}

}  // namespace

MEDVEC_FUNCTION(medvec_sparsevec_to_sparsevec) {
  SparseVec* vector = GetSparseVecArg(fcinfo, 0);
  CheckTypmod(PG_GETARG_INT32(1), vector->dim);
  PG_RETURN_POINTER(vector);
}

MEDVEC_FUNCTION(medvec_array_to_sparsevec) {
  ArrayType* array = PG_GETARG_ARRAYTYPE_P(0);
  const int dim = CountNumbers(array);
  CheckSparse(CheckSparseShape(dim, 0));
  CheckTypmod(PG_GETARG_INT32(1), dim);
  float* elements = static_cast<float*>(palloc(sizeof(float) * dim));
  ReadNumbers(array, {elements, static_cast<size_t>(dim)});
  SparseVec* vector = NewSparseVecOf({elements, static_cast<size_t>(dim)});
  pfree(elements);
  PG_FREE_IF_COPY(array, 0);
  PG_RETURN_POINTER(vector);
}

MEDVEC_FUNCTION(medvec_vector_to_sparsevec) { return FromDense<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_to_sparsevec) { return FromDense<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_sparsevec_to_vector) { return ToDense<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_sparsevec_to_halfvec) { return ToDense<Half>(fcinfo); }
