#include "core/distance.hpp"

#include <cmath>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/distance.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "core/half-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace medvec {
namespace HWY_NAMESPACE {
namespace {

using Float = hn::ScalableTag<float>;
using FloatVec = hn::Vec<Float>;

// Adds up Term over all elements. Four partial sums hide the latency of the addition (4 cycles on current cores, which
// load two registers a cycle: one step). They are plain variables because scalable vectors cannot stand in arrays.
template <class Term, class Element>
HWY_INLINE float SumTerms(const Element* a, const Element* b, size_t dim) {
  const Float d;
  const size_t lanes = hn::Lanes(d);
  FloatVec sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  size_t i = 0;
  for (; i + 4 * lanes <= dim; i += 4 * lanes) {
    sum0 = Term::AddTo(sum0, LoadFloats(d, a + i), LoadFloats(d, b + i));
    sum1 = Term::AddTo(sum1, LoadFloats(d, a + i + lanes), LoadFloats(d, b + i + lanes));
    sum2 = Term::AddTo(sum2, LoadFloats(d, a + i + 2 * lanes), LoadFloats(d, b + i + 2 * lanes));
    sum3 = Term::AddTo(sum3, LoadFloats(d, a + i + 3 * lanes), LoadFloats(d, b + i + 3 * lanes));
  }
  for (; i + lanes <= dim; i += lanes) sum0 = Term::AddTo(sum0, LoadFloats(d, a + i), LoadFloats(d, b + i));
  if (i < dim) sum1 = Term::AddTo(sum1, LoadTail(d, a + i, dim - i), LoadTail(d, b + i, dim - i));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
}

struct SquaredDifference {
  static HWY_INLINE FloatVec AddTo(FloatVec sum, FloatVec a, FloatVec b) {
    const FloatVec difference = hn::Sub(a, b);
    return hn::MulAdd(difference, difference, sum);
  }
};

struct Product {
  static HWY_INLINE FloatVec AddTo(FloatVec sum, FloatVec a, FloatVec b) { return hn::MulAdd(a, b, sum); }
};

struct AbsoluteDifference {
  static HWY_INLINE FloatVec AddTo(FloatVec sum, FloatVec a, FloatVec b) {
    return hn::Add(sum, hn::Abs(hn::Sub(a, b)));
  }
};

template <class Element>
float L2Squared(const Element* a, const Element* b, size_t dim) {
  return SumTerms<SquaredDifference>(a, b, dim);
}

template <class Element>
float L1(const Element* a, const Element* b, size_t dim) {
  return SumTerms<AbsoluteDifference>(a, b, dim);
}

// Partial sums that overflow to both sides add up to NaN; double, which cannot overflow here, tells the side.
HWY_NOINLINE float OverflowingInnerProduct(const float* a, const float* b, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; ++i) sum += static_cast<double>(a[i]) * b[i];
  return static_cast<float>(sum);
}

template <class Element>
float InnerProduct(const Element* a, const Element* b, size_t dim) {
  const float sum = SumTerms<Product>(a, b, dim);
  if constexpr (std::is_same_v<Element, float>)
    if (!std::isfinite(sum)) return OverflowingInnerProduct(a, b, dim);
  return sum;
}

// Has a value that is used twice loaded once: g++ would make one use a load of its own, and from memory the second load
// of a line that is still on its way halves what is fetched at a time (17 instead of 24 GB/s, a plain read 25).
HWY_INLINE void LoadOnce([[maybe_unused]] FloatVec& loaded) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3
  asm("" : "+v"(loaded.raw));
#endif
}

// Three sums in one pass.
template <class Element>
CosineSums Cosine(const Element* a, const Element* b, size_t dim) {
  const Float d;
  const size_t lanes = hn::Lanes(d);
  FloatVec dot0 = hn::Zero(d), dot1 = dot0, dot2 = dot0, dot3 = dot0;
  FloatVec a0 = dot0, a1 = dot0, a2 = dot0, a3 = dot0;
  FloatVec b0 = dot0, b1 = dot0, b2 = dot0, b3 = dot0;
  const auto add = [](FloatVec x, FloatVec y, FloatVec& dot, FloatVec& norm_x, FloatVec& norm_y) HWY_ATTR {
    LoadOnce(x);
    LoadOnce(y);
    dot = hn::MulAdd(x, y, dot);
    norm_x = hn::MulAdd(x, x, norm_x);
    norm_y = hn::MulAdd(y, y, norm_y);
  };
  size_t i = 0;
  for (; i + 4 * lanes <= dim; i += 4 * lanes) {
    add(LoadFloats(d, a + i), LoadFloats(d, b + i), dot0, a0, b0);
    add(LoadFloats(d, a + i + lanes), LoadFloats(d, b + i + lanes), dot1, a1, b1);
    add(LoadFloats(d, a + i + 2 * lanes), LoadFloats(d, b + i + 2 * lanes), dot2, a2, b2);
    add(LoadFloats(d, a + i + 3 * lanes), LoadFloats(d, b + i + 3 * lanes), dot3, a3, b3);
  }
  for (; i + lanes <= dim; i += lanes) add(LoadFloats(d, a + i), LoadFloats(d, b + i), dot0, a0, b0);
  if (i < dim) add(LoadTail(d, a + i, dim - i), LoadTail(d, b + i, dim - i), dot1, a1, b1);
  const auto total = [d](FloatVec s0, FloatVec s1, FloatVec s2, FloatVec s3)
                         HWY_ATTR { return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)))); };
  return {total(dot0, dot1, dot2, dot3), total(a0, a1, a2, a3), total(b0, b1, b2, b3)};
}

template <class Element>
double NormSquared(const Element* a, size_t dim) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> df;
  const size_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  size_t i = 0;
  for (; i + 4 * lanes <= dim; i += 4 * lanes) {
    const auto x0 = hn::PromoteTo(d, LoadFloats(df, a + i));
    const auto x1 = hn::PromoteTo(d, LoadFloats(df, a + i + lanes));
    const auto x2 = hn::PromoteTo(d, LoadFloats(df, a + i + 2 * lanes));
    const auto x3 = hn::PromoteTo(d, LoadFloats(df, a + i + 3 * lanes));
    sum0 = hn::MulAdd(x0, x0, sum0);
    sum1 = hn::MulAdd(x1, x1, sum1);
    sum2 = hn::MulAdd(x2, x2, sum2);
    sum3 = hn::MulAdd(x3, x3, sum3);
  }
  for (; i + lanes <= dim; i += lanes) {
    const auto x = hn::PromoteTo(d, LoadFloats(df, a + i));
    sum0 = hn::MulAdd(x, x, sum0);
  }
  if (i < dim) {
    const auto x = hn::PromoteTo(d, LoadTail(df, a + i, dim - i));
    sum1 = hn::MulAdd(x, x, sum1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
}

template <class Element>
const DistanceKernels<Element>* TargetKernels() {
  static constexpr DistanceKernels<Element> kernels = {L2Squared<Element>, InnerProduct<Element>, Cosine<Element>,
                                                       L1<Element>, NormSquared<Element>};
  return &kernels;
}

const DistanceKernels<float>* FloatKernels() { return TargetKernels<float>(); }
const DistanceKernels<Half>* HalfKernels() { return TargetKernels<Half>(); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace medvec
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medvec {

HWY_EXPORT(FloatKernels);
HWY_EXPORT(HalfKernels);

template <>
const DistanceKernels<float>& GetDistanceKernels<float>() {
  return *HWY_DYNAMIC_DISPATCH(FloatKernels)();
}
template <>
const DistanceKernels<Half>& GetDistanceKernels<Half>() {
  return *HWY_DYNAMIC_DISPATCH(HalfKernels)();
}

double CosineDistance(const CosineSums& sums) {
  const double similarity = sums.dot / std::sqrt(static_cast<double>(sums.norm_a) * sums.norm_b);
  if (similarity > 1) return 0;
  if (similarity < -1) return 2;
  return 1 - similarity;
}

}  // namespace medvec
#endif
