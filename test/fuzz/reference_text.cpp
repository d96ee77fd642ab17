#include "reference_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>

namespace medvec::fuzz {
namespace {

std::string_view SkipBlanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\n\r\v\f");
  return begin == std::string_view::npos ? text.substr(text.size()) : text.substr(begin);
}

std::string_view UpTo(std::string_view text, size_t position) {
  return text.substr(0, std::min(position, text.size()));
}

struct Number {
  size_t length;  // 0 when there is none
  float value;
  bool too_great, too_small;
};

Number ReadNumber(std::string_view text) {
  const std::string terminated(text);
  char* end;
  errno = 0;
  const float value = std::strtof(terminated.c_str(), &end);
  const bool out_of_range = errno == ERANGE;
  return {static_cast<size_t>(end - terminated.c_str()), value, out_of_range && std::isinf(value),
          out_of_range && value == 0};
}

// The length of the whole number that `text` begins with, and the int32 nearest to it.
std::pair<size_t, int32_t> ReadInteger(std::string_view text) {
  const size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+');
  const size_t end = std::min(text.find_first_not_of("0123456789", sign), text.size());
  if (end == sign) return {0, 0};
  const double value = std::strtod(std::string(text.substr(0, end)).c_str(), nullptr);
  using Limits = std::numeric_limits<int32_t>;
  return {end, static_cast<int32_t>(std::clamp<double>(value, Limits::min(), Limits::max()))};
}

// The pieces between commas.
std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (size_t comma; (comma = text.find(',')) != std::string_view::npos; text.remove_prefix(comma + 1))
    pieces.push_back(text.substr(0, comma));
  pieces.push_back(text);
  return pieces;
}

float ToElement(float value, float) { return value; }
Half ToElement(float value, Half) { return NearestHalf(value); }

}  // namespace

Half NearestHalf(double value) {
  const double magnitude = std::abs(value);
  const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const int exponent = magnitude == 0 ? -14 : std::max(std::ilogb(magnitude), -14);
  if (exponent > 15) return {static_cast<uint16_t>(sign | 0x7c00)};
  // In units of the last place 1,024 is the least normal number; one place more and the exponent goes up by itself.
  const double units = std::nearbyint(std::ldexp(magnitude, 10 - exponent));
  return {static_cast<uint16_t>(sign + static_cast<int>(units) + (exponent + 14) * 1024)};
}

template <class Element>
ReferenceVector<Element> ReadVectorText(std::string_view text, size_t limit) {
  ReferenceVector<Element> result{};
  const auto stop = [&](VectorTextError error, std::string_view token) {
    result.error = error;
    result.token = token;
    return result;
  };
  const std::string_view trimmed = SkipBlanks(text);
  if (!trimmed.starts_with('[')) return stop(VectorTextError::kNoOpeningBracket, trimmed);
  const std::string_view behind_bracket = trimmed.substr(1);
  const size_t bracket = behind_bracket.find(']');
  const std::string_view body = UpTo(behind_bracket, bracket);
  const bool closed = bracket != std::string_view::npos;
  const auto rest_of_text = [&](std::string_view from) {
    return std::string_view(from.data(), static_cast<size_t>(text.data() + text.size() - from.data()));
  };
  if (closed && SkipBlanks(body).empty())
    return stop(VectorTextError::kNoDimensions, rest_of_text(behind_bracket.substr(bracket)));

  for (const std::string_view piece : Split(body)) {
    if (result.elements.size() == limit) return stop(VectorTextError::kTooManyDimensions, {});
    const std::string_view begin = SkipBlanks(piece);
    const Number number = ReadNumber(begin);
    if (number.length == 0) return stop(VectorTextError::kSyntax, rest_of_text(begin));
    const std::string_view token = begin.substr(0, number.length);
    if (number.too_great) return stop(VectorTextError::kOutOfRange, token);
    if (std::isnan(number.value)) return stop(VectorTextError::kNotANumber, token);
    if (std::isinf(number.value)) return stop(VectorTextError::kInfinite, token);
    const Element element = ToElement(number.value, Element());
    if (std::isinf(ToFloat(element))) return stop(VectorTextError::kOutOfRange, token);
    result.elements.push_back(element);
    const std::string_view rest = SkipBlanks(begin.substr(number.length));
    if (!rest.empty()) return stop(VectorTextError::kSyntax, rest_of_text(rest));
  }
  if (!closed) return stop(VectorTextError::kSyntax, text.substr(text.size()));
  const std::string_view behind = SkipBlanks(behind_bracket.substr(bracket + 1));
  return stop(behind.empty() ? VectorTextError::kNone : VectorTextError::kTextBehindEnd, behind);
}

template ReferenceVector<float> ReadVectorText(std::string_view text, size_t limit);
template ReferenceVector<Half> ReadVectorText(std::string_view text, size_t limit);

ReferenceSparse ReadSparseText(std::string_view text, size_t limit) {
  if (Split(text).size() > limit) return {SparseError::kTooManyElements};
  const std::string_view trimmed = SkipBlanks(text);
  if (!trimmed.starts_with('{')) return {SparseError::kNoOpeningBrace};
  const size_t brace = trimmed.find('}');
  const std::string_view body = UpTo(trimmed, brace).substr(1);
  const bool closed = brace != std::string_view::npos;

  std::map<int32_t, std::vector<float>> elements;
  if (!closed || !SkipBlanks(body).empty()) {
    for (const std::string_view piece : Split(body)) {
      const std::string_view begin = SkipBlanks(piece);
      const auto [length, index] = ReadInteger(begin);
      const std::string_view colon = SkipBlanks(begin.substr(length));
      if (length == 0 || !colon.starts_with(':')) return {SparseError::kSyntax};
      const std::string_view value = SkipBlanks(colon.substr(1));
      const Number number = ReadNumber(value);
      if (number.length == 0) return {SparseError::kSyntax};
      if (number.too_great || number.too_small) return {SparseError::kOutOfRange};
      if (std::isnan(number.value)) return {SparseError::kNotANumber};
      if (std::isinf(number.value)) return {SparseError::kInfinite};
      if (!SkipBlanks(value.substr(number.length)).empty()) return {SparseError::kSyntax};
      if (number.value != 0) elements[index].push_back(number.value);
    }
  }
  if (!closed) return {SparseError::kSyntax};
  const std::string_view slash = SkipBlanks(trimmed.substr(brace + 1));
  if (!slash.starts_with('/')) return {SparseError::kSyntax};
  const std::string_view dimensions = SkipBlanks(slash.substr(1));
  const auto [length, dim] = ReadInteger(dimensions);
  if (length == 0) return {SparseError::kSyntax};
  if (!SkipBlanks(dimensions.substr(length)).empty()) return {SparseError::kTextBehindEnd};
  if (dim < 1) return {SparseError::kNoDimensions};
  if (dim > 1000000000) return {SparseError::kTooManyDimensions};

  ReferenceSparse result{SparseError::kNone, dim, {}};
  for (const auto& [index, values] : elements) {
    if (index < 1 || index > dim) return {SparseError::kIndexOutOfBounds};
    if (values.size() > 1) return {SparseError::kDuplicateIndices};
    result.elements.emplace_back(index - 1, values[0]);
  }
  return result;
}

}  // namespace medvec::fuzz
