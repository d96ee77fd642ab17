#include "core/hnsw/choose_geometry.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

namespace medvec::hnsw {
namespace {

constexpr size_t kElementBytes[] = {4, 2};  // vector, halfvec

static_assert(ChooseGeometry(784, Metric::kL2, 16, 4).bytes_per_vector() <= PgvectorBytes(784, 16, 4));

TEST(ChooseGeometryTest, NeverMoreBytesThanPgvector) {
  for (const size_t bytes : kElementBytes)
    for (const int m : {8, 16, 32})
      for (size_t dim = 1; dim <= 8000 / bytes; dim += dim < 200 ? 1 : 13) {
        const Choice choice = ChooseGeometry(dim, Metric::kL2, m, bytes);
        EXPECT_LE(choice.bytes_per_vector(), PgvectorBytes(dim, m, bytes)) << dim << ' ' << m << ' ' << bytes;
        EXPECT_GE(choice.geometry.max_degree, std::min(2 * m, 8)) << dim << ' ' << m << ' ' << bytes;
        EXPECT_LE(choice.geometry.block_size * choice.packing.blocks_per_group,
                  kUsablePageSize * choice.packing.pages_per_group);
      }
}

TEST(ChooseGeometryTest, AnyDimensionAndDegreeHasABlock) {
  for (const size_t bytes : kElementBytes)
    for (const int m : {2, 16, 100})
      for (size_t dim = 1; dim <= kMaxDim; dim += 1 + dim / 7) {
        const Choice choice = ChooseGeometry(dim, Metric::kCosine, m, bytes);
        EXPECT_GE(choice.geometry.max_degree, std::min(2 * m, 8)) << dim << ' ' << m << ' ' << bytes;
        EXPECT_LE(choice.geometry.block_size * choice.packing.blocks_per_group,
                  kUsablePageSize * choice.packing.pages_per_group);
      }
}

TEST(ChooseGeometryTest, RoomBehindTheBlock) {
  for (const size_t bytes : kElementBytes)
    for (const size_t behind : {4, 20, 100, 516})
      for (size_t dim = 1; dim <= 40000 / bytes; dim += 1 + dim / 7) {
        const Choice choice = ChooseGeometry(dim, Metric::kL2, 16, bytes, behind);
        EXPECT_GE(choice.geometry.max_degree, 8) << dim << ' ' << behind << ' ' << bytes;
        EXPECT_LE((choice.geometry.block_size + behind) * choice.packing.blocks_per_group,
                  kUsablePageSize * choice.packing.pages_per_group);
      }
}

TEST(ChooseGeometryTest, HopFactorIsThePower) {
  for (const double degree : {1.0, 4.0, 17.0, 32.0, 200.0})
    EXPECT_NEAR(choose::HopFactor(degree) / std::pow(degree, -0.7), 1, 1e-3);
}

// Rows are fetched from the table to be put in order where 8 bits leave them in doubt. Where it keeps them out of line
// 16 bits spare that, or 12 where 16 would leave too few links.
TEST(ChooseGeometryTest, MoreBitsWhereVectorsAreOutOfLine) {
  const auto codec = [](size_t dim, size_t bytes) {
    return ChooseGeometry(dim, Metric::kL2, 16, bytes).geometry.codec;
  };
  EXPECT_EQ(codec(384, 4), VectorCodec::kInt8);
  EXPECT_EQ(codec(784, 4), VectorCodec::kInt16);
  EXPECT_EQ(codec(1280, 4), VectorCodec::kInt16);
  EXPECT_EQ(codec(784, 2), VectorCodec::kInt8);
  EXPECT_EQ(codec(1280, 2), VectorCodec::kInt12);
}

// A code of a part of the dimensions makes room for links where few would fit.
TEST(ChooseGeometryTest, ShorterCodesWhereLinksAreFew) {
  const auto geometry = [](size_t dim, size_t bytes) { return ChooseGeometry(dim, Metric::kL2, 16, bytes).geometry; };
  EXPECT_EQ(geometry(784, 4).code_dim, 784);
  EXPECT_EQ(geometry(100, 2).code_dim, 100);
  for (const size_t dim : {512, 784, 1280, 4000}) {
    EXPECT_LE(geometry(dim, 2).code_dim, 0.55 * dim) << dim;
    EXPECT_GE(geometry(dim, 2).max_degree, 16) << dim;
  }
}

// The tables of the decision records.
class ChooseGeometryTableTest : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(ElementBytes, ChooseGeometryTableTest, testing::ValuesIn(kElementBytes));
TEST_P(ChooseGeometryTableTest, Print) {
  for (const size_t dim : {3, 32, 64, 100, 128, 256, 384, 512, 768, 784, 1024, 1280, 1536, 2000, 4000, 32767}) {
    const Choice c = ChooseGeometry(dim, Metric::kL2, 16, GetParam());
    std::printf("| %zu | %s | %d | %u | %d | %u | %u in %u | %.2f | %.0f | %.0f |\n", dim,
                c.geometry.codec == VectorCodec::kInt8      ? "int8"
                : c.geometry.codec == VectorCodec::kInt12   ? "int12"
                : c.geometry.codec == VectorCodec::kInt16   ? "int16"
                : c.geometry.codec == VectorCodec::kFloat16 ? "float16"
                                                            : "float32",
                c.geometry.code_bits, c.geometry.code_dim, c.geometry.max_degree, c.geometry.block_size,
                c.packing.blocks_per_group, c.packing.pages_per_group,
                c.packing.blocks_per_group > 1 ? c.packing.pages_per_hop() : c.packing.pages_per_group,
                c.bytes_per_vector(), PgvectorBytes(dim, 16, GetParam()));
  }
}

}  // namespace
}  // namespace medvec::hnsw
