#include "index/operator_class.hpp"

#include <cmath>

#include "core/distance.hpp"
#include "types/vector.hpp"

namespace medvec::index {

namespace {

const float* VectorElements(Datum value, int* dim) {
  const Vector* vector =
      reinterpret_cast<const Vector*>(Detoast(reinterpret_cast<struct varlena*>(DatumGetPointer(value))));
  *dim = vector->dim;
  return vector->x;
}

int VectorDimensions(int32 typmod) {
  if (typmod < 0)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("column does not have dimensions"),
             errhint("Declare the column or the expression as vector(n), for example (embedding::vector(512)).")));
  return typmod;
}

constexpr OperatorClass kVectorClasses[] = {
    {hnsw::Metric::kL2, VectorElements, VectorDimensions},
    {hnsw::Metric::kInnerProduct, VectorElements, VectorDimensions},
    {hnsw::Metric::kCosine, VectorElements, VectorDimensions},
    {hnsw::Metric::kL1, VectorElements, VectorDimensions},
};

// A support function's result: a pointer into this library's constants.
Datum Support(hnsw::Metric metric) {
  return PointerGetDatum(const_cast<OperatorClass*>(&kVectorClasses[static_cast<int>(metric)]));
}

}  // namespace

OperatorClass GetOperatorClass(Relation index) {
  FmgrInfo* support = index_getprocinfo(index, 1, 1);
  return *reinterpret_cast<const OperatorClass*>(
      DatumGetPointer(FunctionCall1Coll(support, InvalidOid, PointerGetDatum(nullptr))));
}

bool LoadVector(const OperatorClass& operators, Datum value, int dim, float* to) {
  int own_dim = 0;
  const float* elements = operators.elements(value, &own_dim);
  if (own_dim != dim) RaiseDifferentDims(Vector::kType, own_dim, dim);
  memcpy(to, elements, sizeof(float) * static_cast<size_t>(dim));
  if (operators.metric != hnsw::Metric::kCosine) return true;
  const double norm = std::sqrt(GetDistanceKernels().norm_squared(to, static_cast<size_t>(dim)));
  if (norm == 0) return false;
  for (int i = 0; i < dim; ++i) to[i] = static_cast<float>(to[i] / norm);
  return true;
}

}  // namespace medvec::index

using medvec::hnsw::Metric;

MEDVEC_FUNCTION(medvec_hnsw_vector_l2_support) { return medvec::index::Support(Metric::kL2); }
MEDVEC_FUNCTION(medvec_hnsw_vector_ip_support) { return medvec::index::Support(Metric::kInnerProduct); }
MEDVEC_FUNCTION(medvec_hnsw_vector_cosine_support) { return medvec::index::Support(Metric::kCosine); }
MEDVEC_FUNCTION(medvec_hnsw_vector_l1_support) { return medvec::index::Support(Metric::kL1); }
