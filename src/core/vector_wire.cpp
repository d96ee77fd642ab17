#include "core/vector_wire.hpp"

#include <bit>

#include "core/big_endian.hpp"

namespace medvec {
namespace {

void Read(const uint8_t* p, float& element) { element = std::bit_cast<float>(ReadBigEndian32(p)); }
void Read(const uint8_t* p, Half& element) { element.bits = ReadBigEndian16(p); }

}  // namespace

VectorWireHeader ParseVectorWireHeader(std::span<const uint8_t> bytes) {
  if (bytes.size() < kVectorWireHeaderSize) return {VectorWireError::kTooShort, 0, 0};
  const int dim = static_cast<int16_t>(ReadBigEndian16(bytes.data()));
  const int unused = static_cast<int16_t>(ReadBigEndian16(bytes.data() + 2));
  const VectorWireError error = dim < 1       ? VectorWireError::kNoDimensions
                                : unused != 0 ? VectorWireError::kUnusedNotZero
                                              : VectorWireError::kNone;
  return {error, dim, unused};
}

template <class Element>
VectorWireError ParseVectorWireElements(std::span<const uint8_t> bytes, std::span<Element> elements) {
  if (bytes.size() / sizeof(Element) < elements.size()) return VectorWireError::kTooShort;
  const uint8_t* p = bytes.data();
  for (Element& element : elements) {
    Read(p, element);
    if (!IsFinite(element)) return IsNan(element) ? VectorWireError::kNotANumber : VectorWireError::kInfinite;
    p += sizeof(Element);
  }
  return VectorWireError::kNone;
}

template VectorWireError ParseVectorWireElements(std::span<const uint8_t> bytes, std::span<float> elements);
template VectorWireError ParseVectorWireElements(std::span<const uint8_t> bytes, std::span<Half> elements);

}  // namespace medvec
