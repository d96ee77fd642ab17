#include "core/sparse_wire.hpp"

#include <bit>
#include <cmath>

namespace medvec {
namespace {

uint32_t ReadBigEndian(const char* p) {
  const auto byte = [p](int i) { return static_cast<uint32_t>(static_cast<unsigned char>(p[i])); };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

}  // namespace

SparseWire ReadSparseWire(const char* wire, int dim, std::span<int32_t> indices, std::span<float> values) {
  int element = 0;
  int32_t last = -1;
  for (int32_t& index : indices) {
    index = static_cast<int32_t>(ReadBigEndian(wire));
    if (index < 0 || index >= dim) return {SparseError::kIndexOutOfBounds, element};
    if (index == last) return {SparseError::kDuplicateIndices, element};
    if (index < last) return {SparseError::kDescendingIndices, element};
    last = index;
    wire += sizeof index;
    ++element;
  }
  element = 0;
  for (float& value : values) {
    value = std::bit_cast<float>(ReadBigEndian(wire));
    if (std::isnan(value)) return {SparseError::kNotANumber, element};
    if (std::isinf(value)) return {SparseError::kInfinite, element};
    if (value == 0) return {SparseError::kZeroValue, element};
    wire += sizeof value;
    ++element;
  }
  return {SparseError::kNone, 0};
}

}  // namespace medvec
