// Distances and norms.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/distance.hpp"
#include "pg/scanned_arg.hpp"
#include "types/dense.hpp"

using namespace medvec;

namespace {

// Chosen when the library is loaded.
template <class Element>
const DistanceKernels<Element> kKernels = GetDistanceKernels<Element>();

ScannedArg args[2];

template <class Element, class Distance>
Datum ReturnDistance(FunctionCallInfo fcinfo, Distance distance) {
  return medvec::ReturnDistance(fcinfo, args,
                                [&](const struct varlena* whole_a, const struct varlena* whole_b) -> double {
                                  const auto* a = reinterpret_cast<const DenseVector<Element>*>(whole_a);
                                  const auto* b = reinterpret_cast<const DenseVector<Element>*>(whole_b);
                                  CheckSameDim(a, b);
                                  return distance(a->x, b->x, static_cast<size_t>(a->dim));
                                });
}

template <class Element>
Datum L2Distance(FunctionCallInfo fcinfo) {
  return ReturnDistance<Element>(fcinfo, [](const Element* a, const Element* b, size_t dim) {
    return std::sqrt(static_cast<double>(kKernels<Element>.l2_squared(a, b, dim)));
  });
}

template <class Element>
Datum L2SquaredDistance(FunctionCallInfo fcinfo) {
  return ReturnDistance<Element>(fcinfo, kKernels<Element>.l2_squared);
}

template <class Element>
Datum InnerProduct(FunctionCallInfo fcinfo) {
  return ReturnDistance<Element>(fcinfo, kKernels<Element>.inner_product);
}

template <class Element>
Datum NegativeInnerProduct(FunctionCallInfo fcinfo) {
  return ReturnDistance<Element>(fcinfo, [](const Element* a, const Element* b, size_t dim) {
    return -kKernels<Element>.inner_product(a, b, dim);
  });
}

template <class Element>
Datum CosineDistance(FunctionCallInfo fcinfo) {
  return ReturnDistance<Element>(fcinfo, [](const Element* a, const Element* b, size_t dim) {
    return medvec::CosineDistance(kKernels<Element>.cosine(a, b, dim));
  });
}

template <class Element>
Datum L1Distance(FunctionCallInfo fcinfo) {
  return ReturnDistance<Element>(fcinfo, kKernels<Element>.l1);
}

// The angle between unit vectors in half turns, a metric; norms are taken to be 1.
template <class Element>
Datum SphericalDistance(FunctionCallInfo fcinfo) {
  return ReturnDistance<Element>(fcinfo, [](const Element* a, const Element* b, size_t dim) {
    const double cosine = std::clamp(static_cast<double>(kKernels<Element>.inner_product(a, b, dim)), -1.0, 1.0);
    return std::acos(cosine) / std::numbers::pi;
  });
}

template <class Element>
Datum Norm(FunctionCallInfo fcinfo) {
  auto* vector = GetDenseArg<Element>(fcinfo, 0);
  const double norm = std::sqrt(kKernels<Element>.norm_squared(vector->x, static_cast<size_t>(vector->dim)));
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_FLOAT8(norm);
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_l2_distance) { return L2Distance<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_l2_distance) { return L2Distance<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_l2_squared_distance) { return L2SquaredDistance<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_l2_squared_distance) { return L2SquaredDistance<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_inner_product) { return InnerProduct<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_inner_product) { return InnerProduct<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_negative_inner_product) { return NegativeInnerProduct<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_negative_inner_product) { return NegativeInnerProduct<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_cosine_distance) { return CosineDistance<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_cosine_distance) { return CosineDistance<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_l1_distance) { return L1Distance<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_l1_distance) { return L1Distance<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_spherical_distance) { return SphericalDistance<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_spherical_distance) { return SphericalDistance<Half>(fcinfo); }

MEDVEC_FUNCTION(medvec_vector_norm) { return Norm<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_l2_norm) { return Norm<Half>(fcinfo); }
