// ParseFloat against the C library's strtof.
#include "core/float_text.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

#include "guarded_buffer.hpp"

namespace medvec {
namespace {

// What strtof makes of `text`, in our terms.
FloatText ByStrtof(const std::string& text) {
  char* end;
  errno = 0;
  const float value = std::strtof(text.c_str(), &end);
  const char* behind = text.data() + (end - text.c_str());
  if (behind == text.data()) return {FloatTextStatus::kNoNumber, behind, 0};
  if (errno == ERANGE && std::isinf(value)) return {FloatTextStatus::kOverflow, behind, value};
  if (errno == ERANGE && value == 0) return {FloatTextStatus::kUnderflow, behind, value};
  return {FloatTextStatus::kNumber, behind, value};
}

void ExpectSame(const std::string& text) {
  const FloatText expected = ByStrtof(text);
  const FloatText parsed = ParseFloat(text.data(), text.data() + text.size());
  ASSERT_EQ(static_cast<int>(parsed.status), static_cast<int>(expected.status)) << text;
  ASSERT_EQ(parsed.end - text.data(), expected.end - text.data()) << text;
  if (expected.status == FloatTextStatus::kNoNumber || expected.status == FloatTextStatus::kOverflow) return;
  if (std::isnan(expected.value)) {
    ASSERT_TRUE(std::isnan(parsed.value)) << text;
    return;
  }
  ASSERT_EQ(std::memcmp(&parsed.value, &expected.value, sizeof(float)), 0)
      << text << ": " << parsed.value << " instead of " << expected.value;
}

TEST(FloatText, Grammar) {
  for (const char* text : {"",
                           "+",
                           "-",
                           ".",
                           "e",
                           "e5",
                           ".e5",
                           "1",
                           "1.",
                           ".5",
                           "-.5",
                           "+1",
                           "1.5.2",
                           "1e",
                           "1e+",
                           "1e-",
                           "1e5",
                           "1E+05",
                           "1e5.5",
                           "--1",
                           "+-1",
                           "0",
                           "-0",
                           "00012",
                           "0.0",
                           "-0e10",
                           "1a",
                           "1,",
                           "1]",
                           "1 ",
                           "1_0",
                           "0x",
                           "0xg",
                           "0x.",
                           "0x.g",
                           "0x.8",
                           "0x8.",
                           "0xA.8p",
                           "0x1p",
                           "0x1p+",
                           "0x1p3",
                           "0X1P-3",
                           "-0x1.8p1",
                           "0x1p3.5",
                           "0xep1",
                           "0x1e5",
                           "inf",
                           "INF",
                           "-inf",
                           "infinity",
                           "Infinity",
                           "infinit",
                           "infinityx",
                           "in",
                           "i",
                           "nan",
                           "-NaN",
                           "nan(",
                           "nan()",
                           "nan(1_a)",
                           "nan(-)",
                           "nan(1",
                           "nanx",
                           "na",
                           "1e99999999999999999999",
                           "1e-99999999999999999999",
                           "0e99999999999999999999",
                           "0x1p99999999999999999999",
                           "0x1p-99999999999999999999",
                           "0x0p99999999999999999999"})
    ExpectSame(text);
}

TEST(FloatText, EdgesOfTheRange) {
  for (const char* text : {"3.4028234e38",
                           "3.4028235e38",
                           "3.40282346638528859811704183484516925e38",
                           "3.4028235677973365e38",
                           "3.4028235677973366e38",
                           "3.4028235677973367e38",
                           "3.4028236e38",
                           "340282356779733661637539395458142568447",
                           "340282356779733661637539395458142568448",
                           "4e38",
                           "1e39",
                           "-1e39",
                           "1e400",
                           "1.17549435e-38",
                           "1.1754942e-38",
                           "1.17549429e-38",
                           "1e-40",
                           "1.4e-45",
                           "1.401298464324817e-45",
                           "7.0064923216240854e-46",
                           "7.0064923216240853e-46",
                           "7.0064923216240862e-46",
                           "7e-46",
                           "1e-46",
                           "-1e-46",
                           "1e-400",
                           "0x1.fffffep127",
                           "0x1.fffffefp127",
                           "0x1.ffffffp127",
                           "0x1p128",
                           "0x1p-126",
                           "0x1p-149",
                           "0x1p-150",

                           "0x1.8p-149",
                           "0x2.8p-149",
                           "0x1p-151",
                           "0x0.000001p150",
                           "0x1000000000000000000000000000000000000p-140",
                           "0x1.00000100000000000001p0",
                           "0x1.000001p0",
                           "0x1.000003p0",
                           "0x1.00000300000000000000000000000000000p0"})
    ExpectSame(text);
}

// A little above the midpoint of 0 and the least float32; glibc 2.36 answers 0.
TEST(FloatText, RoundsToTheLeastDenormal) {
  const std::string_view text = "0x1.000001p-150";
  EXPECT_EQ(ParseFloat(text.data(), text.data() + text.size()).value, 0x1p-149f);
}

TEST(FloatText, MidpointsOfFloats) {
  // 16777217 = 2^24 + 1 lies between two floats, as do its neighbours with a digit far behind.
  for (const char* text :
       {"16777217", "16777217.0000000000000000000000000001", "16777216.9999999999999999999999999999", "16777219",
        "1.00000005960464477539062500000000000000000000", "1.00000005960464477539062500000000000000000001",
        "1.00000005960464477539062499999999999999999999", "1.000000059604644775390625",
        "0.1000000014901161193847656250001"})
    ExpectSame(text);
}

TEST(FloatText, LongDigits) {
  for (const size_t zeros : {10, 37, 38, 39, 100, 1000}) {
    const std::string padding(zeros, '0');
    for (const std::string& text :
         {"1" + padding, "0." + padding + "1", padding + "1.5", "1" + padding + "e-" + std::to_string(zeros),
          "0." + padding + "1e" + std::to_string(zeros), "1." + padding + "1", "0x1" + padding, "0x0." + padding + "1",
          "0x1" + padding + "p-" + std::to_string(4 * zeros), "0x0." + padding + "1p" + std::to_string(4 * zeros),
          "12345678901234567890" + padding, "9" + std::string(zeros, '9'), "0." + std::string(zeros, '9')})
      ExpectSame(text);
  }
}

TEST(FloatText, EveryFloatReadsBack) {
  std::mt19937 random(1);
  std::uniform_int_distribution<uint32_t> bits;
  char text[64];
  for (int i = 0; i < 200000; ++i) {
    const uint32_t pattern = bits(random);
    float x;
    std::memcpy(&x, &pattern, sizeof x);
    if (!std::isfinite(x)) continue;
    for (const char* format : {"%.9g", "%.8g", "%.6f", "%.17g", "%a", "%.30g"}) {
      std::snprintf(text, sizeof text, format, x);
      ExpectSame(text);
    }
  }
}

TEST(FloatText, RandomDecimals) {
  std::mt19937 random(2);
  const auto below = [&](int n) { return static_cast<int>(random() % n); };
  for (int i = 0; i < 500000; ++i) {
    std::string text = below(4) == 0 ? "-" : "";
    const bool hex = below(6) == 0;
    if (hex) text += "0x";
    const int digits = 1 + below(below(5) == 0 ? 40 : 12), point = below(digits + 8);
    for (int k = 0; k < digits; ++k) {
      if (k == point) text += '.';
      text += "0123456789abcdef"[below(hex ? 16 : 10)];
    }
    if (below(2)) text += (hex ? "p" : "e") + std::to_string(below(hex ? 340 : 96) - (hex ? 170 : 48));
    ExpectSame(text);
  }
}

TEST(FloatText, RandomCharacters) {
  std::mt19937 random(3);
  for (int i = 0; i < 500000; ++i) {
    std::string text;
    for (size_t length = random() % 9; length > 0; --length) text += "0019.+-eExXpPinfatyN(_)a ]"[random() % 26];
    if (text.empty() || text[0] == ' ') continue;  // white space is the caller's
    ExpectSame(text);
  }
}

TEST(FloatText, ReadsNothingBehindTheText) {
  for (const std::string text :
       {"1", "-", "1e", "1e+", "0x", "0x1p", "in", "infinity", "nan(1", "1.5", "12345678901234567890"}) {
    GuardedBuffer<char> buffer(text.size());
    std::memcpy(buffer.All().data(), text.data(), text.size());
    const char* begin = buffer.All().data();
    const FloatText parsed = ParseFloat(begin, begin + text.size());
    EXPECT_EQ(parsed.end - begin, ByStrtof(text).end - text.data()) << text;
  }
}

}  // namespace
}  // namespace medvec
