#include "core/vector_text.hpp"

#include <algorithm>
#include <cmath>

#include "core/float_text.hpp"

namespace medvec {
namespace {

// Stores a finite number as an element; false when it is out of the range of elements.
bool Store(float value, float& element) {
  element = value;
  return true;
}
bool Store(float value, Half& element) {
  element = ToHalf(value);
  return IsFinite(element);
}

}  // namespace

template <class Element>
VectorText ParseVectorText(std::string_view text, std::span<Element> elements) {
  const char* p = text.data();
  const char* const end = p + text.size();
  size_t dim = 0;
  const auto stop = [&](VectorTextError error, const char* from, const char* to) {
    return VectorText{error, static_cast<int>(dim), std::string_view(from, to - from)};
  };

  p = SkipSpace(p, end);
  if (p == end || *p != '[') return stop(VectorTextError::kNoOpeningBracket, p, end);
  p = SkipSpace(p + 1, end);
  if (p != end && *p == ']') return stop(VectorTextError::kNoDimensions, p, end);

  for (;;) {
    if (dim == elements.size()) return stop(VectorTextError::kTooManyDimensions, p, end);
    p = SkipSpace(p, end);
    const FloatText number = ParseFloat(p, end);
    if (number.status == FloatTextStatus::kNoNumber) return stop(VectorTextError::kSyntax, p, end);
    if (number.status == FloatTextStatus::kOverflow) return stop(VectorTextError::kOutOfRange, p, number.end);
    if (std::isnan(number.value)) return stop(VectorTextError::kNotANumber, p, number.end);
    if (std::isinf(number.value)) return stop(VectorTextError::kInfinite, p, number.end);
    if (!Store(number.value, elements[dim])) return stop(VectorTextError::kOutOfRange, p, number.end);
    ++dim;

    p = SkipSpace(number.end, end);
    if (p == end || (*p != ',' && *p != ']')) return stop(VectorTextError::kSyntax, p, end);
    if (*p++ == ']') break;
  }

  p = SkipSpace(p, end);
  return stop(p == end ? VectorTextError::kNone : VectorTextError::kTextBehindEnd, p, end);
}

template VectorText ParseVectorText(std::string_view text, std::span<float> elements);
template VectorText ParseVectorText(std::string_view text, std::span<Half> elements);

size_t CountElements(std::string_view text) {
  return 1 + static_cast<size_t>(std::count(text.begin(), text.end(), ','));
}

}  // namespace medvec
