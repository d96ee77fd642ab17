// Registers of floats from and to memory that holds floats or halves, for the bodies of kernels: included anew for each
// instruction set (foreach_target.h), inside no namespace.
#if defined(MEDVEC_CORE_HALF_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef MEDVEC_CORE_HALF_INL
#undef MEDVEC_CORE_HALF_INL
#else
#define MEDVEC_CORE_HALF_INL
#endif

#include <hwy/highway.h>

#include "core/half.hpp"

HWY_BEFORE_NAMESPACE();
namespace medvec {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Where Highway 1.0.3 has no instruction for it, its conversion to half cuts off instead of rounding, and that to float
// knows no infinity. 16-bit registers hold the bits of halves here.
#undef MEDVEC_NATIVE_HALF
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2) || \
    (HWY_ARCH_ARM_A64 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)
#define MEDVEC_NATIVE_HALF 1
#else
#define MEDVEC_NATIVE_HALF 0
#endif

// As ToFloat of half.hpp.
template <class D, class V16>
HWY_INLINE hn::Vec<D> FloatsFromBits(D d, V16 bits) {
#if MEDVEC_NATIVE_HALF
  return hn::PromoteTo(d, hn::BitCast(hn::Rebind<hwy::float16_t, D>(), bits));
#else
  const hn::RebindToUnsigned<D> du;
  const auto wide = hn::PromoteTo(du, bits);
  const auto magnitude = hn::ShiftLeft<13>(hn::And(wide, hn::Set(du, 0x7fff)));
  const auto sign = hn::ShiftLeft<16>(hn::And(wide, hn::Set(du, 0x8000)));
  const auto scaled = hn::BitCast(du, hn::Mul(hn::BitCast(d, magnitude), hn::Set(d, 0x1p112f)));
  const auto is_finite =
      hn::Lt(hn::BitCast(hn::RebindToSigned<D>(), magnitude), hn::Set(hn::RebindToSigned<D>(), 0x7c00 << 13));
  const auto finite = hn::RebindMask(du, is_finite);
  return hn::BitCast(d, hn::Or(sign, hn::IfThenElse(finite, scaled, hn::Or(magnitude, hn::Set(du, 0x7f800000)))));
#endif
}

// As ToHalf of half.hpp.
template <class D>
HWY_INLINE hn::Vec<hn::Rebind<uint16_t, D>> BitsFromFloats(D d, hn::Vec<D> v) {
  const hn::Rebind<uint16_t, D> d16;
#if MEDVEC_NATIVE_HALF
  (void)d;
  return hn::BitCast(d16, hn::DemoteTo(hn::Rebind<hwy::float16_t, D>(), v));
#else
  const hn::RebindToSigned<D> di;
  const auto bits = hn::BitCast(di, v);
  const auto magnitude = hn::And(bits, hn::Set(di, 0x7fffffff));
  const auto sign =
      hn::And(hn::BitCast(di, hn::ShiftRight<16>(hn::BitCast(hn::RebindToUnsigned<D>(), bits))), hn::Set(di, 0x8000));
  const auto special =
      hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x7f800000)), hn::Set(di, 0x7e00), hn::Set(di, 0x7c00));
  const auto denormal =
      hn::Sub(hn::BitCast(di, hn::Add(hn::BitCast(d, magnitude), hn::Set(d, 0.5f))), hn::BitCast(di, hn::Set(d, 0.5f)));
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(di, 1));
  const auto normal = hn::ShiftRight<13>(hn::Add(hn::Add(magnitude, odd), hn::Set(di, 0xfff - ((127 - 15) << 23))));
  auto half = hn::IfThenElse(hn::Lt(magnitude, hn::Set(di, (127 - 14) << 23)), denormal, normal);
  half = hn::IfThenElse(hn::Lt(magnitude, hn::Set(di, (127 + 16) << 23)), half, special);
  return hn::DemoteTo(d16, hn::Or(half, sign));
#endif
}

template <class D>
HWY_INLINE hn::Vec<D> LoadFloats(D d, const float* p) {
  return hn::LoadU(d, p);
}
template <class D>
HWY_INLINE hn::Vec<D> LoadFloats(D d, const Half* p) {
  return FloatsFromBits(d, hn::LoadU(hn::Rebind<uint16_t, D>(), reinterpret_cast<const uint16_t*>(p)));
}

template <class D>
HWY_INLINE void StoreFloats(hn::Vec<D> v, D d, float* p) {
  hn::StoreU(v, d, p);
}
template <class D>
HWY_INLINE void StoreFloats(hn::Vec<D> v, D d, Half* p) {
  hn::StoreU(BitsFromFloats(d, v), hn::Rebind<uint16_t, D>(), reinterpret_cast<uint16_t*>(p));
}

// The last `count` elements, fewer than a register holds, with zeros behind them. Reads nothing else.
template <class D, class Element>
HWY_INLINE hn::Vec<D> LoadTail(D d, const Element* p, size_t count) {
// Highway calls AVX2's masked loads faulting for the sake of 8- and 16-bit lanes; that of floats is one instruction.
#if !HWY_MEM_OPS_MIGHT_FAULT || HWY_TARGET == HWY_AVX2
  if constexpr (sizeof(Element) == sizeof(float)) return hn::MaskedLoad(hn::FirstN(d, count), d, p);
#endif
#if !HWY_MEM_OPS_MIGHT_FAULT
  if constexpr (sizeof(Element) == sizeof(Half)) {
    const hn::Rebind<uint16_t, D> d16;
    return FloatsFromBits(d, hn::MaskedLoad(hn::FirstN(d16, count), d16, reinterpret_cast<const uint16_t*>(p)));
  }
#endif
  HWY_ALIGN Element padded[HWY_MAX_BYTES / sizeof(float)] = {};
  for (size_t i = 0; i < count; ++i) padded[i] = p[i];
  return LoadFloats(d, padded);
}

template <class D, class Element>
HWY_INLINE void StoreTail(hn::Vec<D> v, D d, Element* p, size_t count) {
  HWY_ALIGN Element padded[HWY_MAX_BYTES / sizeof(float)];
  StoreFloats(v, d, padded);
  for (size_t i = 0; i < count; ++i) p[i] = padded[i];
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace medvec
HWY_AFTER_NAMESPACE();

#endif
