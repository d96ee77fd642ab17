#include "core/sparse_text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>

#include "core/float_text.hpp"

namespace medvec {
namespace {

struct Integer {
  const char* end;  // first character behind the number; where it began when there is none
  int32_t value;    // the nearest int32
};

Integer ParseInteger(const char* begin, const char* end) {
  const bool negative = begin != end && *begin == '-';
  const bool has_sign = negative || (begin != end && *begin == '+');
  const char* p = begin + has_sign;
  if (p == end || *p < '0' || *p > '9') return {begin, 0};
  constexpr int64_t kLeast = std::numeric_limits<int32_t>::min(), kMost = std::numeric_limits<int32_t>::max();
  int64_t magnitude = 0;
  for (; p != end && *p >= '0' && *p <= '9'; ++p) magnitude = std::min(magnitude * 10 + (*p - '0'), -kLeast);
  return {p, static_cast<int32_t>(std::clamp(negative ? -magnitude : magnitude, kLeast, kMost))};
}

// Reads tokens one behind the other; `at` is where reading stopped.
struct Reader {
  std::string_view text;
  const char* at = text.data();
  const char* const end = text.data() + text.size();

  bool Skip(char expected) {
    at = SkipSpace(at, end);
    if (at == end || *at != expected) return false;
    ++at;
    return true;
  }
  std::optional<int32_t> ReadInteger() {
    at = SkipSpace(at, end);
    const Integer integer = ParseInteger(at, end);
    if (integer.end == at) return std::nullopt;
    at = integer.end;
    return integer.value;
  }
};

}  // namespace

size_t CountSparseElements(std::string_view text) {
  return 1 + static_cast<size_t>(std::count(text.begin(), text.end(), ','));
}

SparseText ParseSparseText(std::string_view text, std::span<SparseTextElement> elements) {
  Reader reader{text};
  int dim = 0, count = 0;
  const auto stop = [&](SparseError error, std::string_view token) { return SparseText{error, dim, count, token}; };
  const auto stop_here = [&](SparseError error) { return stop(error, {reader.at, reader.end}); };
  if (CountSparseElements(text) > elements.size()) return stop(SparseError::kTooManyElements, {});

  if (!reader.Skip('{')) return stop_here(SparseError::kNoOpeningBrace);
  if (!reader.Skip('}')) {
    do {
      const char* const begin = SkipSpace(reader.at, reader.end);
      const std::optional<int32_t> index = reader.ReadInteger();
      if (!index || !reader.Skip(':')) return stop_here(SparseError::kSyntax);
      reader.at = SkipSpace(reader.at, reader.end);
      const FloatText number = ParseFloat(reader.at, reader.end);
      const std::string_view token(reader.at, number.end);
      if (number.status == FloatTextStatus::kNoNumber) return stop_here(SparseError::kSyntax);
      if (number.status != FloatTextStatus::kNumber) return stop(SparseError::kOutOfRange, token);
      if (std::isnan(number.value)) return stop(SparseError::kNotANumber, token);
      if (std::isinf(number.value)) return stop(SparseError::kInfinite, token);
      if (number.value != 0) elements[count++] = {*index, number.value, static_cast<uint32_t>(begin - text.data())};
      reader.at = number.end;
    } while (reader.Skip(','));
    if (!reader.Skip('}')) return stop_here(SparseError::kSyntax);
  }
  const std::optional<int32_t> dimensions = reader.Skip('/') ? reader.ReadInteger() : std::nullopt;
  if (!dimensions) return stop_here(SparseError::kSyntax);
  reader.at = SkipSpace(reader.at, reader.end);
  if (reader.at != reader.end) return stop_here(SparseError::kTextBehindEnd);

  dim = *dimensions;
  if (const SparseError error = CheckSparseShape(dim, 0); error != SparseError::kNone) return stop_here(error);
  const std::span<SparseTextElement> read = elements.first(static_cast<size_t>(count));
  const auto before = [](const SparseTextElement& a, const SparseTextElement& b) {
    return std::tie(a.index, a.offset) < std::tie(b.index, b.offset);
  };
  if (!std::ranges::is_sorted(read, before)) std::ranges::sort(read, before);
  int32_t last = 0;
  for (SparseTextElement& element : read) {
    const std::string_view token(text.data() + element.offset, reader.end);
    if (element.index < 1 || element.index > dim) return stop(SparseError::kIndexOutOfBounds, token);
    if (element.index == last) return stop(SparseError::kDuplicateIndices, token);
    last = element.index--;
  }
  return stop(SparseError::kNone, {});
}

}  // namespace medvec
