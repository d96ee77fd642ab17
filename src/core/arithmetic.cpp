#include "core/arithmetic.hpp"

#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/arithmetic.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "core/half-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace medvec {
namespace HWY_NAMESPACE {
namespace {

using Float = hn::ScalableTag<float>;
using FloatVec = hn::Vec<Float>;
using FloatMask = hn::Mask<Float>;
using Double = hn::ScalableTag<double>;
using FewFloats = hn::Rebind<float, Double>;

// Magnitudes that rounding to an element makes infinite, and that it makes 0.
template <class Element>
constexpr float kInfinite = std::numeric_limits<float>::infinity();
template <>
constexpr float kInfinite<Half> = 65520;
template <class Element>
constexpr float kVanishing = 0;
template <>
constexpr float kVanishing<Half> = 0x1p-25f;

struct Sum {
  static HWY_INLINE FloatVec Of(FloatVec a, FloatVec b) { return hn::Add(a, b); }
};

struct Difference {
  static HWY_INLINE FloatVec Of(FloatVec a, FloatVec b) { return hn::Sub(a, b); }
};

struct Product {
  static HWY_INLINE FloatVec Of(FloatVec a, FloatVec b) { return hn::Mul(a, b); }
};

template <class Operation, class Element>
HWY_INLINE FloatMask InRange(FloatVec a, FloatVec b, FloatVec result) {
  const Float d;
  const FloatVec magnitude = hn::Abs(result);
  FloatMask in_range = hn::Lt(magnitude, hn::Set(d, kInfinite<Element>));
  if constexpr (std::is_same_v<Operation, Product>) {
    const FloatVec zero = hn::Zero(d);
    const FloatMask is_zero = hn::Or(hn::Eq(a, zero), hn::Eq(b, zero));
    in_range = hn::And(in_range, hn::Or(is_zero, hn::Gt(magnitude, hn::Set(d, kVanishing<Element>))));
  }
  return in_range;
}

template <class Operation, class Element>
bool Apply(const Element* a, const Element* b, Element* result, size_t dim) {
  const Float d;
  const size_t lanes = hn::Lanes(d);
  FloatMask in_range = hn::Eq(hn::Zero(d), hn::Zero(d));
  size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const FloatVec x = LoadFloats(d, a + i), y = LoadFloats(d, b + i), z = Operation::Of(x, y);
    in_range = hn::And(in_range, InRange<Operation, Element>(x, y, z));
    StoreFloats(z, d, result + i);
  }
  if (i < dim) {
    const FloatVec x = LoadTail(d, a + i, dim - i), y = LoadTail(d, b + i, dim - i), z = Operation::Of(x, y);
    in_range = hn::And(in_range, InRange<Operation, Element>(x, y, z));
    StoreTail(z, d, result + i, dim - i);
  }
  return hn::AllTrue(d, in_range);
}

template <class Element>
void Divide(const Element* a, double divisor, Element* result, size_t dim) {
  const Double d;
  const FewFloats df;
  const size_t lanes = hn::Lanes(d);
  const auto quotient = [&](hn::Vec<FewFloats> x)
                            HWY_ATTR { return hn::DemoteTo(df, hn::Div(hn::PromoteTo(d, x), hn::Set(d, divisor))); };
  size_t i = 0;
  for (; i + lanes <= dim; i += lanes) StoreFloats(quotient(LoadFloats(df, a + i)), df, result + i);
  if (i < dim) StoreTail(quotient(LoadTail(df, a + i, dim - i)), df, result + i, dim - i);
}

template <class Element>
void Accumulate(const double* sums, const Element* a, double* result, size_t dim) {
  const Double d;
  const FewFloats df;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= dim; i += lanes)
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), hn::PromoteTo(d, LoadFloats(df, a + i))), d, result + i);
  HWY_ALIGN float tail[HWY_MAX_BYTES / sizeof(double)];
  if (i < dim) hn::Store(LoadTail(df, a + i, dim - i), df, tail);
  for (size_t k = 0; i < dim; ++i, ++k) result[i] = sums[i] + tail[k];
}

template <class Element>
const ArithmeticKernels<Element>* TargetKernels() {
  static constexpr ArithmeticKernels<Element> kernels = {Apply<Sum, Element>, Apply<Difference, Element>,
                                                         Apply<Product, Element>, Divide<Element>, Accumulate<Element>};
  return &kernels;
}

const ArithmeticKernels<float>* FloatArithmetic() { return TargetKernels<float>(); }
const ArithmeticKernels<Half>* HalfArithmetic() { return TargetKernels<Half>(); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace medvec
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medvec {

HWY_EXPORT(FloatArithmetic);
HWY_EXPORT(HalfArithmetic);

template <>
const ArithmeticKernels<float>& GetArithmeticKernels<float>() {
  return *HWY_DYNAMIC_DISPATCH(FloatArithmetic)();
}
template <>
const ArithmeticKernels<Half>& GetArithmeticKernels<Half>() {
  return *HWY_DYNAMIC_DISPATCH(HalfArithmetic)();
}

}  // namespace medvec
#endif
