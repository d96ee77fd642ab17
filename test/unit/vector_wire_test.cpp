#include "core/vector_wire.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "guarded_buffer.hpp"

namespace medvec {
namespace {

using Bytes = std::vector<uint8_t>;

// Parses out of memory that ends with the bytes, all elements that the header announces; their bits.
template <class Element>
VectorWireError Parse(const Bytes& bytes, std::vector<uint32_t>* bits = nullptr) {
  GuardedBuffer<uint8_t> buffer(bytes.size() + 1);
  const std::span<uint8_t> copy = buffer.Last(bytes.size());
  std::ranges::copy(bytes, copy.begin());
  const VectorWireHeader header = ParseVectorWireHeader(copy);
  if (header.error != VectorWireError::kNone) return header.error;
  GuardedBuffer<Element> elements(static_cast<size_t>(header.dim));
  const VectorWireError error = ParseVectorWireElements(copy.subspan(kVectorWireHeaderSize), elements.All());
  if (error == VectorWireError::kNone && bits != nullptr)
    for (const Element element : elements.All()) bits->push_back(std::bit_cast<uint32_t>(ToFloat(element)));
  return error;
}

constexpr uint32_t kOne = 0x3f800000, kMinusTwo = 0xc0000000;

TEST(VectorWire, Floats) {
  std::vector<uint32_t> bits;
  EXPECT_EQ(Parse<float>({0, 3, 0, 0, 0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 1}, &bits), VectorWireError::kNone);
  EXPECT_EQ(bits, (std::vector<uint32_t>{kOne, kMinusTwo, 1}));
}

TEST(VectorWire, Halves) {
  std::vector<uint32_t> bits;
  EXPECT_EQ(Parse<Half>({0, 3, 0, 0, 0x3c, 0, 0xc0, 0, 0x80, 0}, &bits), VectorWireError::kNone);
  EXPECT_EQ(bits, (std::vector<uint32_t>{kOne, kMinusTwo, 0x80000000}));
  EXPECT_EQ(Parse<Half>({0, 1, 0, 0, 0x3c, 0, 0xff}), VectorWireError::kNone);  // what follows is the caller's
}

TEST(VectorWire, Headers) {
  EXPECT_EQ(Parse<float>({}), VectorWireError::kTooShort);
  EXPECT_EQ(Parse<float>({0, 1, 0}), VectorWireError::kTooShort);
  EXPECT_EQ(Parse<float>({0, 0, 0, 0}), VectorWireError::kNoDimensions);
  EXPECT_EQ(Parse<float>({0x80, 0, 0, 0}), VectorWireError::kNoDimensions);
  EXPECT_EQ(Parse<float>({0xff, 0xff, 0, 1}), VectorWireError::kNoDimensions);
  EXPECT_EQ(Parse<float>({0, 1, 0, 1, 0, 0, 0, 0}), VectorWireError::kUnusedNotZero);
  const Bytes greatest = {0x7f, 0xff, 0xff, 0xff};
  const VectorWireHeader header = ParseVectorWireHeader(greatest);
  EXPECT_EQ(header.dim, 32767);
  EXPECT_EQ(header.unused, -1);
}

TEST(VectorWire, TooShortByEveryNumberOfBytes) {
  for (size_t size = 4; size < 16; ++size) {
    Bytes bytes(size);
    bytes[1] = 3;
    EXPECT_EQ(Parse<float>(bytes), VectorWireError::kTooShort) << size;
    EXPECT_EQ(Parse<Half>(bytes), size < 10 ? VectorWireError::kTooShort : VectorWireError::kNone) << size;
  }
}

TEST(VectorWire, NotFinite) {
  EXPECT_EQ(Parse<float>({0, 1, 0, 0, 0x7f, 0xc0, 0, 0}), VectorWireError::kNotANumber);
  EXPECT_EQ(Parse<float>({0, 1, 0, 0, 0x7f, 0x80, 0, 1}), VectorWireError::kNotANumber);
  EXPECT_EQ(Parse<float>({0, 1, 0, 0, 0xff, 0x80, 0, 0}), VectorWireError::kInfinite);
  EXPECT_EQ(Parse<Half>({0, 2, 0, 0, 0, 0, 0x7e, 0}), VectorWireError::kNotANumber);
  EXPECT_EQ(Parse<Half>({0, 2, 0, 0, 0, 0, 0xfc, 1}), VectorWireError::kNotANumber);
  EXPECT_EQ(Parse<Half>({0, 2, 0, 0, 0, 0, 0x7c, 0}), VectorWireError::kInfinite);
}

}  // namespace
}  // namespace medvec
