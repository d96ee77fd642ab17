#include "core/sparse_wire.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "guarded_buffer.hpp"

namespace medvec {
namespace {

struct Read {
  SparseError error;
  int element;
  std::vector<int32_t> indices;
  std::vector<float> values;
};

Read ReadBack(int dim, const std::vector<int32_t>& indices, const std::vector<float>& values) {
  GuardedBuffer<char> wire(indices.size() * kSparseWireElement);
  char* p = wire.All().data();
  const auto write = [&p](uint32_t bits) {
    for (int shift = 24; shift >= 0; shift -= 8) *p++ = static_cast<char>(bits >> shift);
  };
  for (const int32_t index : indices) write(static_cast<uint32_t>(index));
  for (const float value : values) write(std::bit_cast<uint32_t>(value));
  GuardedBuffer<int32_t> read_indices(indices.size());
  GuardedBuffer<float> read_values(values.size());
  const SparseWire result = ReadSparseWire(wire.All().data(), dim, read_indices.All(), read_values.All());
  return {result.error,
          result.element,
          {read_indices.All().begin(), read_indices.All().end()},
          {read_values.All().begin(), read_values.All().end()}};
}

TEST(SparseWire, ReadsBack) {
  const std::vector<int32_t> indices = {0, 3, 999999999};
  const std::vector<float> values = {1.5f, -std::numeric_limits<float>::max(), 1e-45f};
  const Read read = ReadBack(kMaxSparseDim, indices, values);
  EXPECT_EQ(read.error, SparseError::kNone);
  EXPECT_EQ(read.indices, indices);
  EXPECT_EQ(read.values, values);
  EXPECT_EQ(ReadBack(1, {}, {}).error, SparseError::kNone);
}

TEST(SparseWire, Refuses) {
  const auto expect = [](SparseError error, int element, int dim, std::vector<int32_t> indices,
                         std::vector<float> values) {
    const Read read = ReadBack(dim, indices, values);
    EXPECT_EQ(read.error, error);
    EXPECT_EQ(read.element, element);
  };
  expect(SparseError::kIndexOutOfBounds, 1, 3, {0, 3}, {1, 1});
  expect(SparseError::kIndexOutOfBounds, 0, 3, {-1, 2}, {1, 1});
  expect(SparseError::kDuplicateIndices, 1, 3, {1, 1, 2}, {1, 1, 1});
  expect(SparseError::kDescendingIndices, 2, 3, {1, 2, 0}, {1, 1, 1});
  expect(SparseError::kZeroValue, 1, 3, {0, 1}, {1, 0});
  expect(SparseError::kZeroValue, 0, 3, {0, 1}, {-0.0f, 1});
  expect(SparseError::kNotANumber, 1, 3, {0, 1}, {1, NAN});
  expect(SparseError::kInfinite, 0, 3, {0, 1}, {-INFINITY, 1});
}

TEST(SparseShape, Limits) {
  EXPECT_EQ(CheckSparseShape(1, 1), SparseError::kNone);
  EXPECT_EQ(CheckSparseShape(kMaxSparseDim, kMaxSparseElements), SparseError::kNone);
  EXPECT_EQ(CheckSparseShape(0, 0), SparseError::kNoDimensions);
  EXPECT_EQ(CheckSparseShape(kMaxSparseDim + int64_t{1}, 0), SparseError::kTooManyDimensions);
  EXPECT_EQ(CheckSparseShape(5, -1), SparseError::kNegativeElements);
  EXPECT_EQ(CheckSparseShape(kMaxSparseDim, kMaxSparseElements + 1), SparseError::kTooManyElements);
  EXPECT_EQ(CheckSparseShape(2, 3), SparseError::kMoreElementsThanDimensions);
}

}  // namespace
}  // namespace medvec
