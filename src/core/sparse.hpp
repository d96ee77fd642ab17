// Sparse vectors: the elements that are not 0, by ascending index.
#pragma once

#include <cstddef>
#include <cstdint>

namespace medvec {

inline constexpr int32_t kMaxSparseDim = 1000000000;
inline constexpr int32_t kMaxSparseElements = 16000;  // other than 0

// `indices` count from 0 and ascend strictly; `values` are finite and never 0.
struct SparseView {
  const int32_t* indices;
  const float* values;
  size_t count;
};

// What is wrong with a sparse vector that came from outside.
enum class SparseError {
  kNone,
  kNoOpeningBrace,  // text alone
  kSyntax,          // text alone
  kTextBehindEnd,   // text alone
  kOutOfRange,      // text alone: a number that overflows float32, or is not 0 and too small for it
  kNoDimensions,
  kTooManyDimensions,
  kNegativeElements,  // a count below 0
  kTooManyElements,
  kMoreElementsThanDimensions,
  kIndexOutOfBounds,
  kDuplicateIndices,
  kDescendingIndices,
  kZeroValue,
  kNotANumber,
  kInfinite,
};

// Whether a vector of `dim` dimensions may have `count` elements other than 0.
constexpr SparseError CheckSparseShape(int64_t dim, int64_t count) {
  if (dim < 1) return SparseError::kNoDimensions;
  if (dim > kMaxSparseDim) return SparseError::kTooManyDimensions;
  if (count < 0) return SparseError::kNegativeElements;
  if (count > kMaxSparseElements) return SparseError::kTooManyElements;
  if (count > dim) return SparseError::kMoreElementsThanDimensions;
  return SparseError::kNone;
}

}  // namespace medvec
