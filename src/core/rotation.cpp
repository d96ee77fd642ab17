#include "core/rotation.hpp"

#include <bit>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/rotation.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace medvec {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Float = hn::ScalableTag<float>;
using Float4 = hn::CappedTag<float, 4>;

// x_i, y_i := (x_i + y_i) f, (x_i - y_i) f for i < half.
HWY_INLINE void Butterfly(float* x, float* y, size_t half, float factor) {
  const Float d;
  const size_t lanes = hn::Lanes(d);
  const auto f = hn::Set(d, factor);
  size_t i = 0;
  for (; i + lanes <= half; i += lanes) {
    const auto a = hn::LoadU(d, x + i);
    const auto b = hn::LoadU(d, y + i);
    hn::StoreU(hn::Mul(hn::Add(a, b), f), d, x + i);
    hn::StoreU(hn::Mul(hn::Sub(a, b), f), d, y + i);
  }
  for (; i < half; ++i) {
    const float a = x[i];
    const float b = y[i];
    x[i] = (a + b) * factor;
    y[i] = (a - b) * factor;
  }
}

// Two steps of the transform at once, halves 2q and q: four quarters of q coordinates each, in one pass over memory.
template <class D>
HWY_INLINE void Radix4(D d, float* x, size_t quarter) {
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < quarter; i += lanes) {
    const auto a = hn::LoadU(d, x + i);
    const auto b = hn::LoadU(d, x + quarter + i);
    const auto c = hn::LoadU(d, x + 2 * quarter + i);
    const auto e = hn::LoadU(d, x + 3 * quarter + i);
    const auto ac = hn::Add(a, c), a_c = hn::Sub(a, c), be = hn::Add(b, e), b_e = hn::Sub(b, e);
    hn::StoreU(hn::Add(ac, be), d, x + i);
    hn::StoreU(hn::Sub(ac, be), d, x + quarter + i);
    hn::StoreU(hn::Add(a_c, b_e), d, x + 2 * quarter + i);
    hn::StoreU(hn::Sub(a_c, b_e), d, x + 3 * quarter + i);
  }
}

#if HWY_TARGET != HWY_SCALAR
// Halves 2 and 1 inside four coordinates: a register whose lanes are exchanged, plus itself with alternating signs.
template <class V>
HWY_INLINE V WithinFour(Float4 d, V v, V signs_by_2, V signs_by_1) {
  v = hn::MulAdd(v, signs_by_2, hn::Shuffle1032(v));
  return hn::MulAdd(v, signs_by_1, hn::Shuffle2301(v));
  (void)d;
}

// The last four steps (halves 8, 4, 2, 1) and the scaling, for 16 coordinates at a time.
HWY_INLINE void Finish16(float* x, size_t size, float factor) {
  const Float4 d;
  HWY_ALIGN static constexpr float kBy2[4] = {1, 1, -1, -1};
  HWY_ALIGN static constexpr float kBy1[4] = {1, -1, 1, -1};
  const auto by_2 = hn::Load(d, kBy2), by_1 = hn::Load(d, kBy1), f = hn::Set(d, factor);
  for (size_t i = 0; i < size; i += 16) {
    const auto a = hn::LoadU(d, x + i), b = hn::LoadU(d, x + i + 4);
    const auto c = hn::LoadU(d, x + i + 8), e = hn::LoadU(d, x + i + 12);
    const auto ac = hn::Add(a, c), a_c = hn::Sub(a, c), be = hn::Add(b, e), b_e = hn::Sub(b, e);
    hn::StoreU(hn::Mul(WithinFour(d, hn::Add(ac, be), by_2, by_1), f), d, x + i);
    hn::StoreU(hn::Mul(WithinFour(d, hn::Sub(ac, be), by_2, by_1), f), d, x + i + 4);
    hn::StoreU(hn::Mul(WithinFour(d, hn::Add(a_c, b_e), by_2, by_1), f), d, x + i + 8);
    hn::StoreU(hn::Mul(WithinFour(d, hn::Sub(a_c, b_e), by_2, by_1), f), d, x + i + 12);
  }
}
#endif

// The Walsh-Hadamard transform of `size` (a power of two) coordinates, scaled to be orthogonal. Two steps a pass while
// they are longer than 16 coordinates.
HWY_INLINE void Hadamard(float* x, size_t size) {
  const float factor = 1.0f / std::sqrt(static_cast<float>(size));
  size_t block = size;
#if HWY_TARGET != HWY_SCALAR
  if (size >= 16) {
    const Float d;
    for (; block >= 64; block /= 4)
      for (size_t start = 0; start < size; start += block)
        if (hn::Lanes(d) <= 16)
          Radix4(d, x + start, block / 4);
        else
          Radix4(hn::CappedTag<float, 16>(), x + start, block / 4);
    if (block == 32)
      for (size_t start = 0; start < size; start += 32) Butterfly(x + start, x + start + 16, 16, 1);
    Finish16(x, size, factor);
    return;
  }
#endif
  for (; block >= 2; block /= 2)
    for (size_t start = 0; start < size; start += block) Butterfly(x + start, x + start + block / 2, block / 2, 1);
  for (size_t i = 0; i < size; ++i) x[i] *= factor;
}

// Flips the sign of x_i where bit i of `signs` is set.
HWY_INLINE void FlipSigns(float* x, size_t dim, const uint64_t* signs) {
  const hn::CappedTag<uint32_t, 16> d;
  const size_t lanes = hn::Lanes(d);
  const auto bit = hn::Shl(hn::Set(d, 1u), hn::Iota(d, 0));
  const auto sign_bit = hn::Set(d, 0x80000000u);
  uint32_t* words = reinterpret_cast<uint32_t*>(x);
  size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const auto drawn = hn::Set(d, static_cast<uint32_t>(signs[i / 64] >> (i % 64)));
    const auto flip = hn::IfThenElseZero(hn::TestBit(drawn, bit), sign_bit);
    hn::StoreU(hn::Xor(hn::LoadU(d, words + i), flip), d, words + i);
  }
  for (; i < dim; ++i) words[i] ^= static_cast<uint32_t>(signs[i / 64] >> (i % 64) & 1) << 31;
}

void Rotate(float* x, size_t dim, const uint64_t* signs, int rounds) {
  const size_t power = std::bit_floor(dim);
  const size_t words = (dim + 63) / 64;
  for (int round = 0; round < rounds; ++round, signs += words) {
    FlipSigns(x, dim, signs);
    Hadamard(round % 2 == 0 ? x : x + (dim - power), power);
    // An odd dimension leaves out the middle, not the end: at power + 1 the other pairing would undo the last step.
    if (dim > power) Butterfly(x, x + (dim - dim / 2), dim / 2, std::sqrt(0.5f));
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace medvec
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medvec {

HWY_EXPORT(Rotate);

// SplitMix64 (Steele, Lea and Flood 2014): a good stream from any seed, the same everywhere.
static uint64_t NextRandom(uint64_t& state) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

void Rotation::Prepare(uint64_t* table) {
  uint64_t state = seed_;
  for (size_t i = 0; i < kRounds * words(); ++i) table[i] = NextRandom(state);
  signs_ = table;
}

void Rotation::Apply(float* vector) const { HWY_DYNAMIC_DISPATCH(Rotate)(vector, dim_, signs_, kRounds); }

float Rotation::RelativeError() const {
  // Each step of a round (flips are exact) adds at most 2 u of the length: an addition, and a product in some.
  const int steps = kRounds * (std::bit_width(dim_) + 2);
  return static_cast<float>(2 * steps) * 0x1p-24f;
}

}  // namespace medvec
#endif
