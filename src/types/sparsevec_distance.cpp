// Distances, norm and order.
#include <algorithm>
#include <cmath>

#include "core/sparse_distance.hpp"
#include "pg/numbers.hpp"
#include "pg/scanned_arg.hpp"
#include "types/sparsevec.hpp"

using namespace medvec;

namespace {

ScannedArg args[2];

template <class Distance>
Datum ReturnDistance(FunctionCallInfo fcinfo, Distance distance) {
  return medvec::ReturnDistance(fcinfo, args,
                                [&](const struct varlena* whole_a, const struct varlena* whole_b) -> double {
                                  const SparseVec* a = reinterpret_cast<const SparseVec*>(whole_a);
                                  const SparseVec* b = reinterpret_cast<const SparseVec*>(whole_b);
                                  CheckSameDim(a, b);
                                  return distance(a->view(), b->view());
                                });
}

int CompareArgs(FunctionCallInfo fcinfo) {
  SparseVec* a = GetSparseVecArg(fcinfo, 0);
  SparseVec* b = GetSparseVecArg(fcinfo, 1);
  const int order = CompareSparse(a->view(), a->dim, b->view(), b->dim);
  PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  return order;
}

}  // namespace

MEDVEC_FUNCTION(medvec_sparsevec_l2_distance) {
  return ReturnDistance(
      fcinfo, [](SparseView a, SparseView b) { return std::sqrt(static_cast<double>(SparseL2Squared(a, b))); });
}

MEDVEC_FUNCTION(medvec_sparsevec_l2_squared_distance) { return ReturnDistance(fcinfo, SparseL2Squared); }

MEDVEC_FUNCTION(medvec_sparsevec_inner_product) { return ReturnDistance(fcinfo, SparseInnerProduct); }

MEDVEC_FUNCTION(medvec_sparsevec_negative_inner_product) {
  return ReturnDistance(fcinfo, [](SparseView a, SparseView b) { return -SparseInnerProduct(a, b); });
}

MEDVEC_FUNCTION(medvec_sparsevec_cosine_distance) {
  return ReturnDistance(fcinfo, [](SparseView a, SparseView b) { return CosineDistance(SparseCosine(a, b)); });
}

MEDVEC_FUNCTION(medvec_sparsevec_l1_distance) { return ReturnDistance(fcinfo, SparseL1); }

MEDVEC_FUNCTION(medvec_sparsevec_l2_norm) {
  SparseVec* vector = GetSparseVecArg(fcinfo, 0);
  const double norm = std::sqrt(SparseNormSquared(vector->view()));
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_FLOAT8(norm);
}

// Elements too small for float32 beside the others are left out.
MEDVEC_FUNCTION(medvec_sparsevec_l2_normalize) {
  SparseVec* vector = GetSparseVecArg(fcinfo, 0);
  const double norm = std::sqrt(SparseNormSquared(vector->view()));
  const std::span<const float> values = vector->values();
  const auto scaled = [norm](float value) { return static_cast<float>(value / norm); };
  const auto nnz = std::ranges::count_if(values, [&](float value) { return scaled(value) != 0; });
  SparseVec* result = NewSparseVec(vector->dim, static_cast<int>(nnz));
  int32* index = result->index;
  float* value = result->values().data();
  for (int i = 0; i < vector->nnz; ++i) {
    const float x = scaled(values[i]);
    if (std::isinf(x)) float_overflow_error();
    if (x == 0) continue;
    *index++ = vector->index[i];
    *value++ = x;
  }
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_POINTER(result);
}

MEDVEC_FUNCTION(medvec_sparsevec_lt) { PG_RETURN_BOOL(CompareArgs(fcinfo) < 0); }
MEDVEC_FUNCTION(medvec_sparsevec_le) { PG_RETURN_BOOL(CompareArgs(fcinfo) <= 0); }
MEDVEC_FUNCTION(medvec_sparsevec_eq) { PG_RETURN_BOOL(CompareArgs(fcinfo) == 0); }
MEDVEC_FUNCTION(medvec_sparsevec_ne) { PG_RETURN_BOOL(CompareArgs(fcinfo) != 0); }
MEDVEC_FUNCTION(medvec_sparsevec_ge) { PG_RETURN_BOOL(CompareArgs(fcinfo) >= 0); }
MEDVEC_FUNCTION(medvec_sparsevec_gt) { PG_RETURN_BOOL(CompareArgs(fcinfo) > 0); }
MEDVEC_FUNCTION(medvec_sparsevec_cmp) { PG_RETURN_INT32(CompareArgs(fcinfo)); }
