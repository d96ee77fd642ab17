// The text form of a sparse vector: `{1:1.5,3:3.5}/5`, indices from 1, the dimensions behind the slash. White space is
// allowed between tokens. On input indices stand in any order, and elements that are 0 are left out.
#pragma once

#include <span>
#include <string_view>

#include "core/sparse.hpp"

namespace medvec {

struct SparseTextElement {
  int32_t index;  // from 0
  float value;
  uint32_t offset;  // in the text
};

struct SparseText {
  SparseError error;
  int dim;
  int count;               // elements read: not 0, by ascending index
  std::string_view token;  // where the fault lies: the offending number, or the text from there on
};

// The most elements `text` can hold without being malformed, for sizing `elements`.
size_t CountSparseElements(std::string_view text);

// Reads `text`, of less than 4 GB, into `elements`. kTooManyElements when CountSparseElements is above their size.
// Takes O(n log n) time, O(n) where indices ascend already, and no memory but `elements`.
SparseText ParseSparseText(std::string_view text, std::span<SparseTextElement> elements);

}  // namespace medvec
