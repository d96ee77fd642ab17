// Distances against plain sums in double, within the accuracy that core/distance.hpp and core/sparse_distance.hpp
// promise.
#pragma once

#include <hwy/highway.h>

#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "core/distance.hpp"
#include "core/sparse_distance.hpp"
#include "support.hpp"

namespace medvec::fuzz {

constexpr double kGreatestFloat = std::numeric_limits<float>::max();
constexpr double kLeastFloat = std::numeric_limits<float>::denorm_min();
constexpr double kUnit = 0x1p-24;  // half a unit in the last place of 1

// What `get` gives with each instruction set that was compiled and that this machine has.
template <class Get>
auto OfAllTargets(Get get) {
  // Asked once: a virtual machine's processor takes its time to say.
  static const std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  static const int64_t all = hwy::SupportedTargets();
  std::vector<decltype(get())> results;
  for (const int64_t target : targets) {
    hwy::GetChosenTarget().Update(target);
    results.push_back(get());
  }
  hwy::GetChosenTarget().Update(all);
  return results;
}

// The sums over the terms of all dimensions. `magnitude` is that of the inner product's terms.
struct ReferenceSums {
  double l2_squared = 0, l1 = 0, product = 0, magnitude = 0, norm_a = 0, norm_b = 0;

  void Add(double x, double y) {
    l2_squared += (x - y) * (x - y);
    l1 += std::abs(x - y);
    product += x * y;
    magnitude += std::abs(x * y);
    norm_a += x * x;
    norm_b += y * y;
  }
};

// `sum` is `expected` but for `error`, or infinite where that may be beyond float32.
inline void CheckSum(double sum, double expected, double error, const char* promise) {
  Check(!std::isnan(sum), promise);
  if (std::isinf(sum))
    Check(std::abs(expected) + error + kGreatestFloat * kUnit >= kGreatestFloat &&
              std::signbit(sum) == std::signbit(expected),
          promise);
  else
    Check(std::abs(sum - expected) <= error, promise);
}

// `relative` is the promised error of a sum, as a part of the terms' absolute values, `lost` what vanishes beneath the
// least float32.
inline void CheckCosine(const CosineSums& sums, const ReferenceSums& expected, double relative, double lost) {
  CheckSum(sums.norm_a, expected.norm_a, relative * expected.norm_a + lost, "|a|^2 is accurate");
  CheckSum(sums.norm_b, expected.norm_b, relative * expected.norm_b + lost, "|b|^2 is accurate");
  if (std::isinf(sums.norm_a) || std::isinf(sums.norm_b)) return;  // without meaning
  CheckSum(sums.dot, expected.product, relative * expected.magnitude + lost, "<a, b> is accurate");
  const double distance = CosineDistance(sums);
  if (expected.norm_a == 0 || expected.norm_b == 0)
    return Check(std::isnan(distance), "a zero vector has no direction");
  if (sums.norm_a == 0 || sums.norm_b == 0) return;  // without meaning
  Check(distance >= 0 && distance <= 2, "the cosine distance lies between 0 and 2");
  const double length = std::sqrt(expected.norm_a * expected.norm_b);
  const double norm_error = relative + lost / expected.norm_a + lost / expected.norm_b;
  if (norm_error > 0.01) return;  // denormal norms have no accuracy
  const double error = (relative * expected.magnitude + lost) / length + 1.1 * norm_error;
  Check(std::abs(distance - (1 - expected.product / length)) <= error + 1e-15, "the cosine distance is accurate");
}

template <class Element>
void CheckDenseDistances(std::span<const Element> from_a, std::span<const Element> from_b) {
  static const auto all_kernels = OfAllTargets([] { return &GetDistanceKernels<Element>(); });
  ExactBlock<Element> block_a(from_a), block_b(from_b);
  const Element *a = block_a.span().data(), *b = block_b.span().data();
  const size_t dim = from_a.size();
  ReferenceSums expected;
  for (size_t i = 0; i < dim; ++i) expected.Add(ToFloat(a[i]), ToFloat(b[i]));
  const double relative = (static_cast<double>(dim) / 16 + 8) * kUnit, lost = static_cast<double>(dim) * kLeastFloat;

  for (const DistanceKernels<Element>* kernels : all_kernels) {
    const float l2 = kernels->l2_squared(a, b, dim), l1 = kernels->l1(a, b, dim);
    const float product = kernels->inner_product(a, b, dim);
    const CosineSums cosine = kernels->cosine(a, b, dim), swapped = kernels->cosine(b, a, dim);
    CheckSum(l2, expected.l2_squared, relative * expected.l2_squared + lost, "the L2 distance is accurate");
    CheckSum(l1, expected.l1, relative * expected.l1 + lost, "the L1 distance is accurate");
    CheckSum(product, expected.product, relative * expected.magnitude + lost, "the inner product is accurate");
    CheckCosine(cosine, expected, relative, lost);
    Check(kSameBits(l2, kernels->l2_squared(b, a, dim)) && kSameBits(l1, kernels->l1(b, a, dim)) &&
              kSameBits(product, kernels->inner_product(b, a, dim)) && kSameBits(cosine.norm_a, swapped.norm_b) &&
              kSameBits(cosine.norm_b, swapped.norm_a) &&
              (kSameBits(cosine.dot, swapped.dot) || (std::isnan(cosine.dot) && std::isnan(swapped.dot))),
          "distances are symmetric");
    const double norm = kernels->norm_squared(a, dim);
    Check(std::abs(norm - expected.norm_a) <= expected.norm_a * static_cast<double>(dim) * 0x1p-52,
          "the norm in double is accurate");
    Check((norm == 0) == (expected.norm_a == 0), "the norm in double is 0 for a zero vector alone");
  }
}

struct SparseVector {
  int32_t dim;
  std::span<const int32_t> indices;
  std::span<const float> values;
  SparseView view() const { return {indices.data(), values.data(), indices.size()}; }
};

// Distances want two vectors of the same dimensions; the order is that of any two.
inline void CheckSparseDistances(const SparseVector& a, const SparseVector& b) {
  std::map<int32_t, std::pair<float, float>> pairs;
  for (size_t i = 0; i < a.indices.size(); ++i) pairs[a.indices[i]].first = a.values[i];
  for (size_t i = 0; i < b.indices.size(); ++i) pairs[b.indices[i]].second = b.values[i];

  int order = (a.dim > b.dim) - (a.dim < b.dim);
  for (const auto& [index, pair] : pairs) {
    if (index >= std::min(a.dim, b.dim)) break;
    if (pair.first == pair.second) continue;
    order = pair.first < pair.second ? -1 : 1;
    break;
  }
  const auto sign = [](int x) { return (x > 0) - (x < 0); };
  Check(sign(CompareSparse(a.view(), a.dim, b.view(), b.dim)) == order, "the order is that of arrays");
  Check(sign(CompareSparse(b.view(), b.dim, a.view(), a.dim)) == -order, "the order is antisymmetric");

  if (a.dim != b.dim) return;
  ReferenceSums expected;
  for (const auto& [index, pair] : pairs) expected.Add(pair.first, pair.second);
  const SparseView x = a.view(), y = b.view();
  const double relative = 4 * kUnit;
  OfAllTargets([&] {
    const float l2 = SparseL2Squared(x, y), l1 = SparseL1(x, y), product = SparseInnerProduct(x, y);
    CheckSum(l2, expected.l2_squared, relative * expected.l2_squared + kLeastFloat, "the L2 distance is accurate");
    CheckSum(l1, expected.l1, relative * expected.l1, "the L1 distance is accurate");
    CheckSum(product, expected.product, relative * expected.magnitude + kLeastFloat, "the inner product is accurate");
    CheckCosine(SparseCosine(x, y), expected, relative, kLeastFloat);
    Check(kSameBits(l2, SparseL2Squared(y, x)) && kSameBits(l1, SparseL1(y, x)) &&
              kSameBits(product, SparseInnerProduct(y, x)),
          "distances are symmetric");
    return 0;
  });
}

}  // namespace medvec::fuzz
