#include "core/hnsw/choose_geometry.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

namespace medvec::hnsw {
namespace {

static_assert(ChooseGeometry(784, Metric::kL2, 16).bytes_per_vector() <= PgvectorBytes(784, 16));

TEST(ChooseGeometryTest, NeverMoreBytesThanPgvector) {
  for (const int m : {8, 16, 32})
    for (size_t dim = 1; dim <= 2000; dim += dim < 200 ? 1 : 13) {
      const Choice choice = ChooseGeometry(dim, Metric::kL2, m);
      EXPECT_LE(choice.bytes_per_vector(), PgvectorBytes(dim, m)) << dim << ' ' << m;
      EXPECT_GE(choice.geometry.max_degree, std::min(2 * m, 8)) << dim << ' ' << m;
      EXPECT_LE(choice.geometry.block_size * choice.packing.blocks_per_group,
                kUsablePageSize * choice.packing.pages_per_group);
    }
}

TEST(ChooseGeometryTest, AnyDimensionAndDegreeHasABlock) {
  for (const int m : {2, 16, 100})
    for (size_t dim = 1; dim <= kMaxDim; dim += 1 + dim / 7) {
      const Choice choice = ChooseGeometry(dim, Metric::kCosine, m);
      EXPECT_GE(choice.geometry.max_degree, std::min(2 * m, 8)) << dim << ' ' << m;
      EXPECT_LE(choice.geometry.block_size * choice.packing.blocks_per_group,
                kUsablePageSize * choice.packing.pages_per_group);
    }
}

TEST(ChooseGeometryTest, HopFactorIsThePower) {
  for (const double degree : {1.0, 4.0, 17.0, 32.0, 200.0})
    EXPECT_NEAR(choose::HopFactor(degree) / std::pow(degree, -0.7), 1, 1e-3);
}

// The table of the decision record.
TEST(ChooseGeometryTest, Table) {
  for (const size_t dim : {3, 32, 64, 100, 128, 256, 384, 512, 768, 784, 1024, 1280, 1536, 2000, 4096, 32767}) {
    const Choice c = ChooseGeometry(dim, Metric::kL2, 16);
    std::printf("| %zu | %s | %d | %d | %u | %u in %u | %.2f | %.0f | %.0f |\n", dim,
                c.geometry.codec == VectorCodec::kInt8      ? "int8"
                : c.geometry.codec == VectorCodec::kInt16   ? "int16"
                : c.geometry.codec == VectorCodec::kFloat16 ? "float16"
                                                            : "float32",
                c.geometry.code_bits, c.geometry.max_degree, c.geometry.block_size, c.packing.blocks_per_group,
                c.packing.pages_per_group,
                c.packing.blocks_per_group > 1 ? c.packing.pages_per_hop() : c.packing.pages_per_group,
                c.bytes_per_vector(), PgvectorBytes(dim, 16));
  }
}

}  // namespace
}  // namespace medvec::hnsw
