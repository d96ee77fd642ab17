// IEEE 754 binary16 ("half"): 11 bits of precision, greatest number 65,504, least 2^-24.
//
// Conversions from float round to nearest, ties to even, as one rounding of the exact value; what rounds beyond 65,504
// (from 65,520 on) becomes infinite, what lies below 2^-25 becomes zero of its sign. Conversions to float are exact.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace medvec {

struct Half {
  uint16_t bits;
};

constexpr bool IsFinite(Half half) { return (half.bits & 0x7c00) != 0x7c00; }
constexpr bool IsNan(Half half) { return (half.bits & 0x7fff) > 0x7c00; }

constexpr float ToFloat(Half half) {
  // The bits of a half, shifted to those of a float, are a float 2^112 times too small.
  const uint32_t magnitude = static_cast<uint32_t>(half.bits & 0x7fff) << 13;
  const uint32_t scaled = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112f);
  const uint32_t sign = static_cast<uint32_t>(half.bits & 0x8000) << 16;
  return std::bit_cast<float>(sign | (IsFinite(half) ? scaled : magnitude | 0x7f800000));
}

// For code over either type of element.
constexpr float ToFloat(float value) { return value; }
constexpr bool IsFinite(float value) { return value - value == 0; }
constexpr bool IsNan(float value) { return value != value; }

constexpr Half ToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & 0x7fffffff;
  uint32_t half;
  if (magnitude >= std::bit_cast<uint32_t>(0x1p16f)) {
    half = magnitude > 0x7f800000 ? 0x7e00 : 0x7c00;
  } else if (magnitude < std::bit_cast<uint32_t>(0x1p-14f)) {
    // Adding 0.5 leaves a denormal half in the last bits, rounded.
    half = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<uint32_t>(0.5f);
  } else {
    const uint32_t odd = (magnitude >> 13) & 1;
    half = (magnitude - (uint32_t{127 - 15} << 23) + 0xfff + odd) >> 13;  // a carry raises the exponent, as it should
  }
  return {static_cast<uint16_t>(half | (bits >> 16 & 0x8000))};
}

// The same for many, by the widest instruction set of this machine. Any alignment; nothing behind `count` is touched.
void HalvesToFloats(const Half* from, float* to, size_t count);
// False when an element of `to` is not finite.
bool FloatsToHalves(const float* from, Half* to, size_t count);

}  // namespace medvec
