#include "core/float_text.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <system_error>

namespace medvec {
namespace {

// The digits of a number: |value| is mantissa * base^exponent unless digits were dropped.
struct Digits {
  const char* end;        // behind the number, `begin` when it has no digit
  uint64_t mantissa = 0;  // the leading significant digits
  int64_t exponent = 0;   // decimal: of 10; hexadecimal: of 2
  bool dropped = false;   // more significant digits than fit the mantissa
  int64_t leading = 0;    // positive when |value| >= 1, otherwise not
};

constexpr int DigitValue(char c, int base) {
  if (c >= '0' && c <= '9') return c - '0';
  if (base == 16 && c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (base == 16 && c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <int kBase>
Digits ScanDigits(const char* begin, const char* end) {
  // 19 decimal or 15 hexadecimal digits always fit 64 bits.
  constexpr int kMaxSignificant = kBase == 10 ? 19 : 15;
  constexpr char kExponentMark = kBase == 10 ? 'e' : 'p';
  constexpr int kExponentPerDigit = kBase == 10 ? 1 : 4;
  Digits digits{begin};
  const char* p = begin;
  int significant = 0;
  bool any = false;
  int64_t scale = 0;      // digits of the mantissa right of the point, less digits dropped left of it
  int64_t magnitude = 0;  // place of the first significant digit, counted from the point
  bool behind_point = false;
  for (; p != end; ++p) {
    const int value = DigitValue(*p, kBase);
    if (value < 0) {
      if (*p != '.' || behind_point) break;
      behind_point = true;
      continue;
    }
    any = true;
    const bool counts = significant != 0 || value != 0;
    if (!counts) {
      if (behind_point) {
        ++scale;
        --magnitude;
      }
      continue;
    }
    if (!behind_point) ++magnitude;
    if (significant < kMaxSignificant) {
      ++significant;
      digits.mantissa = digits.mantissa * kBase + value;
      if (behind_point) ++scale;
    } else {
      digits.dropped = true;
      if (!behind_point) --scale;
    }
  }
  if (!any) return digits;
  digits.end = p;

  int64_t written_exponent = 0;
  if (p != end && (*p | 0x20) == kExponentMark) {
    const char* q = p + 1;
    bool negative = false;
    if (q != end && (*q == '-' || *q == '+')) negative = *q++ == '-';
    if (q != end && *q >= '0' && *q <= '9') {
      // Saturates far beyond what any text of memory size could compensate by zeros.
      constexpr int64_t kHuge = int64_t{1} << 50;
      for (; q != end && *q >= '0' && *q <= '9'; ++q)
        if (written_exponent < kHuge) written_exponent = written_exponent * 10 + (*q - '0');
      if (negative) written_exponent = -written_exponent;
      digits.end = q;
    }
  }
  digits.exponent = written_exponent - scale * kExponentPerDigit;
  digits.leading = written_exponent + magnitude * kExponentPerDigit;
  return digits;
}

// Where the decimal fits a double exactly and its power of ten does too, one double operation is correctly rounded
// (Clinger 1990). Rounding that on to float is right as well, except when the double lies on the midpoint of two
// floats: the text may lie on either side of it. Every result is a normal float32: 10^-22 .. 2^53 * 10^22 < 2^127.
bool TryFastDecimal(const Digits& digits, float* value) {
  constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  constexpr uint64_t kBelowFloat = (uint64_t{1} << 29) - 1, kMidpoint = uint64_t{1} << 28;
  if (digits.dropped || digits.mantissa > uint64_t{1} << 53 || digits.exponent < -22 || digits.exponent > 22)
    return false;
  double exact = static_cast<double>(digits.mantissa);
  if (digits.exponent < 0)
    exact /= kPowers[-digits.exponent];
  else
    exact *= kPowers[digits.exponent];
  if ((std::bit_cast<uint64_t>(exact) & kBelowFloat) == kMidpoint) return false;
  *value = static_cast<float>(exact);
  return true;
}

// `text` has `digits`; the library rounds, and the digits say on which side an unrepresentable one lies.
FloatTextStatus RoundDigits(const char* text, const Digits& digits, std::chars_format format, float* value) {
  if (digits.mantissa == 0) {
    *value = 0;
    return FloatTextStatus::kNumber;
  }
  const std::from_chars_result result = std::from_chars(text, digits.end, *value, format);
  if (result.ec == std::errc::result_out_of_range) *value = digits.leading > 0 ? HUGE_VALF : 0.0f;
  if (std::isinf(*value)) return FloatTextStatus::kOverflow;
  return *value == 0 ? FloatTextStatus::kUnderflow : FloatTextStatus::kNumber;
}

// Reads `word` (lower case) without regard to case; the end of it, or null.
const char* SkipWord(const char* p, const char* end, const char* word) {
  for (; *word != '\0'; ++p, ++word)
    if (p == end || (*p | 0x20) != *word) return nullptr;
  return p;
}

// inf, infinity, nan, nan(characters)
FloatText ParseSpecial(const char* p, const char* end) {
  if (const char* behind = SkipWord(p, end, "inf")) {
    const char* longer = SkipWord(p, end, "infinity");
    return {FloatTextStatus::kNumber, longer != nullptr ? longer : behind, HUGE_VALF};
  }
  if (const char* behind = SkipWord(p, end, "nan")) {
    const char* q = behind;
    if (q != end && *q == '(') {
      do ++q;
      while (q != end && (DigitValue(*q, 10) >= 0 || ((*q | 0x20) >= 'a' && (*q | 0x20) <= 'z') || *q == '_'));
      if (q != end && *q == ')') behind = q + 1;
    }
    return {FloatTextStatus::kNumber, behind, std::numeric_limits<float>::quiet_NaN()};
  }
  return {FloatTextStatus::kNoNumber, p, 0};
}

FloatText ParseUnsigned(const char* begin, const char* end) {
  FloatText result{FloatTextStatus::kNumber, begin, 0};
  if (end - begin > 2 && begin[0] == '0' && (begin[1] | 0x20) == 'x') {
    const Digits digits = ScanDigits<16>(begin + 2, end);
    if (digits.end != begin + 2) {
      result.end = digits.end;
      result.status = RoundDigits(begin + 2, digits, std::chars_format::hex, &result.value);
      return result;
    }
  }
  const Digits digits = ScanDigits<10>(begin, end);
  if (digits.end == begin) return ParseSpecial(begin, end);
  result.end = digits.end;
  if (!TryFastDecimal(digits, &result.value))
    result.status = RoundDigits(begin, digits, std::chars_format::general, &result.value);
  return result;
}

}  // namespace

FloatText ParseFloat(const char* begin, const char* end) {
  const bool negative = begin != end && *begin == '-';
  const bool has_sign = negative || (begin != end && *begin == '+');
  FloatText result = ParseUnsigned(begin + has_sign, end);
  if (result.status == FloatTextStatus::kNoNumber) result.end = begin;
  if (negative) result.value = -result.value;
  return result;
}

}  // namespace medvec
