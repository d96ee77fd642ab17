#include "core/half.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/half.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "core/half-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace medvec {
namespace HWY_NAMESPACE {
namespace {

void ToFloats(const Half* from, float* to, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) StoreFloats(LoadFloats(d, from + i), d, to + i);
  if (i < count) StoreTail(LoadTail(d, from + i, count - i), d, to + i, count - i);
}

bool ToHalves(const float* from, Half* to, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const hn::RebindToSigned<decltype(d)> di;
  auto greatest = hn::Zero(di);  // magnitude: bits without sign are in the order of magnitudes, NaN above infinity
  const auto convert = [&](hn::Vec<decltype(d)> v) HWY_ATTR {
    greatest = hn::Max(greatest, hn::BitCast(di, hn::Abs(v)));
    return v;
  };
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) StoreFloats(convert(LoadFloats(d, from + i)), d, to + i);
  if (i < count) StoreTail(convert(LoadTail(d, from + i, count - i)), d, to + i, count - i);
  return hn::AllTrue(di, hn::Lt(greatest, hn::BitCast(di, hn::Set(d, 65520.0f))));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace medvec
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medvec {

HWY_EXPORT(ToFloats);
HWY_EXPORT(ToHalves);

void HalvesToFloats(const Half* from, float* to, size_t count) { HWY_DYNAMIC_DISPATCH(ToFloats)(from, to, count); }
bool FloatsToHalves(const float* from, Half* to, size_t count) {
  return HWY_DYNAMIC_DISPATCH(ToHalves)(from, to, count);
}

}  // namespace medvec
#endif
