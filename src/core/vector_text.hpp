// The text form of a vector: `[1,2.5,-3e-4]`, white space allowed between tokens and around the brackets.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "core/half.hpp"

namespace medvec {

enum class VectorTextError {
  kNone,
  kNoOpeningBracket,
  kNoDimensions,       // `[]`
  kTooManyDimensions,  // an element more than `elements` holds
  kSyntax,             // no number where one must stand, or neither a comma nor a bracket behind one
  kOutOfRange,         // the number of `token` overflows the type of the elements
  kNotANumber,
  kInfinite,
  kTextBehindEnd,
};

struct VectorText {
  VectorTextError error;
  int dim;                 // elements read
  std::string_view token;  // where reading stopped: the offending number, or the rest of the text
};

// Reads `text` into `elements`. All elements read are finite; numbers too small become +0 or -0. To halves a
// number is rounded twice, to float32 and on: as pgvector reads them.
template <class Element>
VectorText ParseVectorText(std::string_view text, std::span<Element> elements);
extern template VectorText ParseVectorText(std::string_view text, std::span<float> elements);
extern template VectorText ParseVectorText(std::string_view text, std::span<Half> elements);

// The most elements `text` can hold without being malformed, for sizing `elements`; exact for well-formed text.
size_t CountElements(std::string_view text);

}  // namespace medvec
