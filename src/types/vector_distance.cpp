// Distances and norms.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/distance.hpp"
#include "pg/scanned_arg.hpp"
#include "types/vector.hpp"

using namespace medvec;

namespace {

// Chosen when the library is loaded.
const DistanceKernels kKernels = GetDistanceKernels();

ScannedArg args[2];

template <class Distance>
Datum ReturnDistance(FunctionCallInfo fcinfo, Distance distance) {
  struct varlena* stored_a = reinterpret_cast<struct varlena*>(PG_GETARG_POINTER(0));
  struct varlena* stored_b = reinterpret_cast<struct varlena*>(PG_GETARG_POINTER(1));
  struct varlena* whole_a = args[0].Get(stored_a);
  struct varlena* whole_b = args[1].Get(stored_b);
  const Vector* a = reinterpret_cast<const Vector*>(whole_a);
  const Vector* b = reinterpret_cast<const Vector*>(whole_b);
  CheckSameDim(a, b);
  const double result = distance(a->x, b->x, static_cast<size_t>(a->dim));
  args[0].Release(stored_a, whole_a);
  args[1].Release(stored_b, whole_b);
  PG_RETURN_FLOAT8(result);
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_l2_distance) {
  return ReturnDistance(fcinfo, [](const float* a, const float* b, size_t dim) {
    return std::sqrt(static_cast<double>(kKernels.l2_squared(a, b, dim)));
  });
}

MEDVEC_FUNCTION(medvec_vector_l2_squared_distance) { return ReturnDistance(fcinfo, kKernels.l2_squared); }

MEDVEC_FUNCTION(medvec_vector_inner_product) { return ReturnDistance(fcinfo, kKernels.inner_product); }

MEDVEC_FUNCTION(medvec_vector_negative_inner_product) {
  return ReturnDistance(fcinfo,
                        [](const float* a, const float* b, size_t dim) { return -kKernels.inner_product(a, b, dim); });
}

MEDVEC_FUNCTION(medvec_vector_cosine_distance) {
  return ReturnDistance(
      fcinfo, [](const float* a, const float* b, size_t dim) { return CosineDistance(kKernels.cosine(a, b, dim)); });
}

MEDVEC_FUNCTION(medvec_vector_l1_distance) { return ReturnDistance(fcinfo, kKernels.l1); }

// The angle between unit vectors in half turns, a metric; norms are taken to be 1.
MEDVEC_FUNCTION(medvec_vector_spherical_distance) {
  return ReturnDistance(fcinfo, [](const float* a, const float* b, size_t dim) {
    const double cosine = std::clamp(static_cast<double>(kKernels.inner_product(a, b, dim)), -1.0, 1.0);
    return std::acos(cosine) / std::numbers::pi;
  });
}

MEDVEC_FUNCTION(medvec_vector_norm) {
  Vector* vector = GetVectorArg(fcinfo, 0);
  const double norm = std::sqrt(kKernels.norm_squared(vector->x, static_cast<size_t>(vector->dim)));
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_FLOAT8(norm);
}
