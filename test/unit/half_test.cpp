// Conversions between half and float: every half, every float next to a boundary of rounding, every instruction set.
#include "core/half.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "guarded_buffer.hpp"
#include "target_fixture.hpp"

namespace medvec {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kHalves = 1 << 16, kFinite = 0x7c00;  // those of either sign lie below kFinite

// What IEEE 754 says of the bits, in double.
double Exact(int bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * HUGE_VAL;
  return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

// The nearest half of a positive number by search among all, of two as near the even one; from halfway between the
// greatest half and the number that would follow it on, infinity.
int Nearest(float value) {
  static const std::vector<double> values = [] {
    std::vector<double> all(kFinite + 1);
    for (int bits = 0; bits < kFinite; ++bits) all[bits] = Exact(bits);
    all[kFinite] = 65536;
    return all;
  }();
  const auto above = std::lower_bound(values.begin(), values.end(), static_cast<double>(value));
  if (above == values.end()) return kFinite;
  const int high = static_cast<int>(above - values.begin());
  if (high == 0 || values[high] == value) return high;
  const double down = value - values[high - 1], up = values[high] - value;
  return down < up || (down == up && high % 2 == 1) ? high - 1 : high;
}

// The middle between each half and the next, the floats around it, and the halves themselves; of both signs.
std::vector<float> Boundaries() {
  std::vector<float> floats;
  for (int bits = 0; bits < kFinite; ++bits) {
    const double next = bits + 1 == kFinite ? 65536 : Exact(bits + 1);
    for (const double x : {Exact(bits), (Exact(bits) + next) / 2}) {
      const float at = static_cast<float>(x);
      for (const float value : {std::nextafter(at, -kInfinity), at, std::nextafter(at, kInfinity)}) {
        floats.push_back(value);
        floats.push_back(-value);
      }
    }
  }
  for (const float value : {0x1p-149f, 0x1p-126f, 0x1p-30f, 65536.0f, 1e6f, 3.4028235e38f}) {
    floats.push_back(value);
    floats.push_back(-value);
  }
  return floats;
}

int Expected(float value) { return Nearest(std::abs(value)) | (std::signbit(value) ? 0x8000 : 0); }

TEST(Half, ScalarToFloat) {
  for (int bits = 0; bits < kHalves; ++bits) {
    const Half half{static_cast<uint16_t>(bits)};
    const float value = ToFloat(half);
    if (std::isnan(Exact(bits))) {
      EXPECT_TRUE(std::isnan(value)) << bits;
      EXPECT_TRUE(IsNan(half)) << bits;
    } else {
      EXPECT_EQ(value, Exact(bits)) << bits;
      EXPECT_EQ(std::signbit(value), bits >= 0x8000) << bits;
      EXPECT_FALSE(IsNan(half)) << bits;
    }
    EXPECT_EQ(IsFinite(half), std::isfinite(Exact(bits))) << bits;
  }
}

TEST(Half, ScalarToHalf) {
  for (const float value : Boundaries()) ASSERT_EQ(ToHalf(value).bits, Expected(value)) << std::hexfloat << value;
  EXPECT_EQ(ToHalf(65519.996f).bits, 0x7bff);
  EXPECT_EQ(ToHalf(65520.0f).bits, 0x7c00);
  EXPECT_EQ(ToHalf(-kInfinity).bits, 0xfc00);
  EXPECT_TRUE(IsNan(ToHalf(std::numeric_limits<float>::quiet_NaN())));
  static_assert(ToHalf(1.5f).bits == 0x3e00 && ToFloat(Half{0x0001}) == 0x1p-24f);
}

class HalfTest : public TargetTest {
 protected:
};

TEST_P(HalfTest, ToFloats) {
  std::vector<Half> halves(kHalves);
  for (int bits = 0; bits < kHalves; ++bits) halves[bits].bits = static_cast<uint16_t>(bits);
  std::vector<float> floats(kHalves);
  HalvesToFloats(halves.data(), floats.data(), halves.size());
  for (int bits = 0; bits < kHalves; ++bits) {
    if (std::isnan(Exact(bits))) {
      EXPECT_TRUE(std::isnan(floats[bits])) << bits;
    } else {
      EXPECT_EQ(std::bit_cast<uint32_t>(floats[bits]), std::bit_cast<uint32_t>(static_cast<float>(Exact(bits))))
          << bits;
    }
  }
}

TEST_P(HalfTest, ToHalves) {
  const std::vector<float> floats = Boundaries();
  std::vector<Half> halves(floats.size());
  EXPECT_FALSE(FloatsToHalves(floats.data(), halves.data(), floats.size()));
  for (size_t i = 0; i < floats.size(); ++i)
    ASSERT_EQ(halves[i].bits, Expected(floats[i])) << std::hexfloat << floats[i];
}

// Against the scalar conversion, itself checked above: bit patterns of all magnitudes.
TEST_P(HalfTest, RandomFloats) {
  std::mt19937 random(7);
  std::vector<float> floats(1 << 20);
  for (float& value : floats) {
    const float drawn = std::bit_cast<float>(static_cast<uint32_t>(random()));
    value = std::isfinite(drawn) ? drawn : 1;
  }
  std::vector<Half> halves(floats.size());
  FloatsToHalves(floats.data(), halves.data(), floats.size());
  for (size_t i = 0; i < floats.size(); ++i) {
    ASSERT_EQ(halves[i].bits, ToHalf(floats[i]).bits) << std::hexfloat << floats[i];
    if (i % 64 == 0) {
      ASSERT_EQ(halves[i].bits, Expected(floats[i])) << std::hexfloat << floats[i];
    }
  }
}

TEST_P(HalfTest, SaysWhetherAllAreFinite) {
  for (size_t count = 1; count <= 70; ++count)
    for (size_t at = 0; at < count; ++at) {
      std::vector<float> floats(count, 65519.996f);
      std::vector<Half> halves(count);
      EXPECT_TRUE(FloatsToHalves(floats.data(), halves.data(), count));
      for (const float bad : {65520.0f, -65520.0f, kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
        floats[at] = bad;
        EXPECT_FALSE(FloatsToHalves(floats.data(), halves.data(), count)) << count << ' ' << at;
        EXPECT_FALSE(IsFinite(halves[at]));
        EXPECT_EQ(IsNan(halves[at]), std::isnan(bad));
      }
    }
}

TEST_P(HalfTest, NothingBehindIsTouched) {
  GuardedBuffer<float> floats(300);
  GuardedBuffer<Half> halves(300);
  for (size_t count = 0; count <= 300; ++count) {
    std::ranges::fill(floats.All(), 2.5f);
    std::ranges::fill(halves.All(), Half{0x3c00});
    HalvesToFloats(halves.Last(count).data(), floats.Last(count).data(), count);
    for (const float value : floats.All().first(300 - count)) ASSERT_EQ(value, 2.5f);
    for (const float value : floats.Last(count)) ASSERT_EQ(value, 1);
    std::ranges::fill(floats.All(), 2.5f);
    EXPECT_TRUE(FloatsToHalves(floats.Last(count).data(), halves.Last(count).data(), count));
    for (const Half half : halves.All().first(300 - count)) ASSERT_EQ(half.bits, 0x3c00);
    for (const Half half : halves.Last(count)) ASSERT_EQ(half.bits, 0x4100);
  }
}

MEDVEC_TEST_ON_TARGETS(HalfTest);

}  // namespace
}  // namespace medvec
