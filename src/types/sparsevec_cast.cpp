// Casts: the type modifier of a column, arrays to sparse vectors, dense vectors to sparse ones and back.
#include <algorithm>
#include <cmath>

#include "types/number_array.hpp"
#include "types/sparsevec.hpp"
#include "types/vector.hpp"

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
    if (unlikely(!std::isfinite(elements[i])))
      CheckSparse(std::isnan(elements[i]) ? SparseError::kNotANumber : SparseError::kInfinite);
    *index++ = i;
    *value++ = elements[i];
  }
  return vector;
}

void CopyElements(const SparseVec* vector, std::span<float> elements) {
  std::ranges::fill(elements, 0.0f);
  const std::span<const float> values = vector->values();
  for (int i = 0; i < vector->nnz; ++i) elements[vector->index[i]] = values[i];
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

MEDVEC_FUNCTION(medvec_vector_to_sparsevec) {
  Vector* dense = GetVectorArg(fcinfo, 0);
  CheckTypmod(PG_GETARG_INT32(1), dense->dim);
  SparseVec* vector = NewSparseVecOf(dense->elements());
  PG_FREE_IF_COPY(dense, 0);
  PG_RETURN_POINTER(vector);
}

MEDVEC_FUNCTION(medvec_sparsevec_to_vector) {
  SparseVec* vector = GetSparseVecArg(fcinfo, 0);
  CheckDim<float>(vector->dim);
  CheckTypmod(PG_GETARG_INT32(1), vector->dim);
  Vector* dense = NewVector(vector->dim);
  CopyElements(vector, dense->elements());
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_POINTER(dense);
}
