#include "core/sparse_wire.hpp"

#include <bit>
#include <cmath>

#include "core/big_endian.hpp"

namespace medvec {

SparseWire ReadSparseWire(const char* wire, int dim, std::span<int32_t> indices, std::span<float> values) {
  const uint8_t* p = reinterpret_cast<const uint8_t*>(wire);
  int element = 0;
  int32_t last = -1;
  for (int32_t& index : indices) {
    index = static_cast<int32_t>(ReadBigEndian32(p));
    if (index < 0 || index >= dim) return {SparseError::kIndexOutOfBounds, element};
    if (index == last) return {SparseError::kDuplicateIndices, element};
    if (index < last) return {SparseError::kDescendingIndices, element};
    last = index;
    p += sizeof index;
    ++element;
  }
  element = 0;
  for (float& value : values) {
    value = std::bit_cast<float>(ReadBigEndian32(p));
    if (std::isnan(value)) return {SparseError::kNotANumber, element};
    if (std::isinf(value)) return {SparseError::kInfinite, element};
    if (value == 0) return {SparseError::kZeroValue, element};
    p += sizeof value;
    ++element;
  }
  return {SparseError::kNone, 0};
}

}  // namespace medvec
