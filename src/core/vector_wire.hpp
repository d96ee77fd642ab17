// The binary form of a vector: int16 dimensions, int16 zero, float32 or binary16 elements, all big-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/half.hpp"

namespace medvec {

enum class VectorWireError {
  kNone,
  kTooShort,
  kNoDimensions,   // none, or a negative number
  kUnusedNotZero,  // the second number
  kNotANumber,
  kInfinite,
};

struct VectorWireHeader {
  VectorWireError error;
  int dim;
  int unused;
};

inline constexpr size_t kVectorWireHeaderSize = 4;

VectorWireHeader ParseVectorWireHeader(std::span<const uint8_t> bytes);

// Reads all `elements` from the bytes behind the header; what follows them is left.
template <class Element>
VectorWireError ParseVectorWireElements(std::span<const uint8_t> bytes, std::span<Element> elements);
extern template VectorWireError ParseVectorWireElements(std::span<const uint8_t> bytes, std::span<float> elements);
extern template VectorWireError ParseVectorWireElements(std::span<const uint8_t> bytes, std::span<Half> elements);

}  // namespace medvec
