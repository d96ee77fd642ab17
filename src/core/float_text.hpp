// Reading one float32 from text, independent of locale: decimal, hexadecimal (0x1.8p3), infinity and NaN, with the
// grammar and the correctly rounded result of C's strtof, on text that need not be terminated.
#pragma once

namespace medvec {

enum class FloatTextStatus {
  kNumber,     // `value` holds it; spelled-out infinities and NaN are numbers here
  kNoNumber,   // no number starts here
  kOverflow,   // finite in the text, infinite as float32
  kUnderflow,  // not 0 in the text, +0 or -0 as float32
};

struct FloatText {
  FloatTextStatus status;
  const char* end;  // first character behind the number; `begin` when there is none
  float value;
};

// Reads the longest number that starts at `begin` (white space is the caller's to skip).
FloatText ParseFloat(const char* begin, const char* end);

// The first character that is not white space.
inline const char* SkipSpace(const char* p, const char* end) {
  while (p != end && (*p == ' ' || (*p >= '\t' && *p <= '\r'))) ++p;
  return p;
}

}  // namespace medvec
