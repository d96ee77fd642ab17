// The text form of a vector: `[1,2.5,-3e-4]`, white space allowed between tokens and around the brackets.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace medvec {

enum class VectorTextError {
  kNone,
  kNoOpeningBracket,
  kNoDimensions,       // `[]`
  kTooManyDimensions,  // an element more than `elements` holds
  kSyntax,             // no number where one must stand, or neither a comma nor a bracket behind one
  kOutOfRange,         // the number of `token` overflows float32
  kNotANumber,
  kInfinite,
  kTextBehindEnd,
};

struct VectorText {
  VectorTextError error;
  int dim;                 // elements read
  std::string_view token;  // where reading stopped: the offending number, or the rest of the text
};

// Reads `text` into `elements`. All elements read are finite; numbers too small for float32 become +0 or -0.
VectorText ParseVectorText(std::string_view text, std::span<float> elements);

// The most elements `text` can hold without being malformed, for sizing `elements`; exact for well-formed text.
size_t CountElements(std::string_view text);

}  // namespace medvec
