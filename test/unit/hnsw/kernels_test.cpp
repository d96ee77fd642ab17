// Block arithmetic of every instruction set this machine has, against plain loops in double.
#define HWY_WANT_AVX3_DL
#include "core/hnsw/dense_kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "../guarded_buffer.hpp"
#include "../target_fixture.hpp"

namespace medvec::hnsw {
namespace {

using Floats = std::vector<float>;

class HnswKernelsTest : public TargetTest {
 protected:
  void SetUp() override {
    TargetTest::SetUp();
    kernels_ = &GetDenseKernels();
  }
  Floats Draw(size_t dim, float shift = 0, float factor = 1) {
    Floats v(dim);
    for (float& x : v) x = factor * (normal_(random_) + shift);
    return v;
  }

  const DenseKernels* kernels_ = nullptr;
  std::mt19937 random_{7};
  std::normal_distribution<float> normal_;
};

// A block at the end of readable memory, with `degree` neighbours.
struct TestBlock {
  TestBlock(const Geometry& g, const DenseKernels& kernels, const Rotation& rotation, const Floats& own,
            const std::vector<Floats>& neighbours)
      : geometry(g), buffer(g.block_size / 4), block(reinterpret_cast<uint8_t*>(buffer.All().data())) {
    Header(block) = BlockHeader{};
    kernels.encode_vector(g, own.data(), block);
    stored.resize(g.dim);
    kernels.decode_vector(g, OwnVector(g, block), stored.data());
    for (const Floats& n : neighbours) {
      Floats residual(PaddedDim(g.dim));
      for (size_t i = 0; i < g.dim; ++i) residual[i] = n[i] - stored[i];
      if (!g.rotated()) rotation.Apply(residual.data());
      const size_t slot = Header(block).degree++;
      const EncodedLink link = kernels.encode_link(g, residual.data(), block + g.codes + slot * g.code_size());
      std::memcpy(block + g.norms + 2 * slot, &link.norm, 2);
      block[g.rescales + slot] = link.rescale;
    }
  }
  const Geometry& geometry;
  GuardedBuffer<uint32_t> buffer;
  uint8_t* block;
  Floats stored;
};

double Dot(const Floats& a, const Floats& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}
double Square(const Floats& a, const Floats& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
  return sum;
}

// The estimate as kernels.hpp defines it, from the bytes of the block and the planes of the query.
double Reference(const Geometry& g, const Query& query, const uint8_t* block, size_t slot, double navigation) {
  const size_t words = PaddedDim(g.code_dim) / 64;
  double product = 0;
  for (size_t i = 0; i < g.code_dim; ++i) {
    int u = 0, level = 0;
    for (int b = 0; b < kQueryPlanes; ++b)
      u += static_cast<int>(query.planes[b * words + i / 64] >> (i % 64) & 1) * (b == 3 ? -8 : 1 << b);
    for (int b = 0; b < g.code_bits; ++b)
      level |= (block[g.codes + slot * g.code_size() + b * g.plane_bytes + i / 8] >> (i % 8) & 1) << b;
    product += query.step * u * (level - 0.5 * ((1 << g.code_bits) - 1));
  }
  uint16_t norm_code;
  std::memcpy(&norm_code, block + g.norms + 2 * slot, 2);
  const uint32_t word = static_cast<uint32_t>(norm_code & 0x7fff) << 16;
  float norm;
  std::memcpy(&norm, &word, 4);
  const double ratio = RescaleMin(g) + (RescaleMax(g) - RescaleMin(g)) / 255.0 * block[g.rescales + slot];
  const double term = std::sqrt(norm) * ratio / std::sqrt(g.dim) * product;
  return g.metric == Metric::kInnerProduct ? navigation - term : navigation + norm - 2 * term;
}

// Bits and dimensions of codes, of a part of the dimensions too.
std::vector<std::pair<int, size_t>> CodesOf(size_t dim) {
  std::vector<std::pair<int, size_t>> codes = {{1, dim}, {2, dim}, {4, dim}};
  for (const size_t part : {dim / 128 * 64, dim * 3 / 256 * 64})
    if (part > 0) codes.push_back({1, part}), codes.push_back({2, part});
  return codes;
}

TEST_P(HnswKernelsTest, AgreeWithPlainLoops) {
  for (const size_t dim :
       {1, 2, 7, 8, 9, 16, 33, 63, 64, 65, 96, 100, 127, 128, 129, 200, 256, 300, 513, 784, 1280, 2100})
    for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine, Metric::kL1})
      for (const VectorCodec codec :
           {VectorCodec::kFloat32, VectorCodec::kFloat16, VectorCodec::kInt8, VectorCodec::kInt12, VectorCodec::kInt16})
        for (const auto& [bits, code_dim] : CodesOf(dim)) {
          const Geometry g = MakeGeometry(dim, metric, codec, bits, 21, code_dim);
          Rotation rotation(dim, 3);
          std::vector<uint64_t> table(rotation.table_size() / 8);
          rotation.Prepare(table.data());
          std::vector<Floats> neighbours;
          const Floats own = Draw(dim, 0.5f);
          for (int i = 0; i < 21; ++i) neighbours.push_back(Draw(dim, 0.5f));
          neighbours[3] = own;
          const TestBlock test(g, *kernels_, rotation, own, neighbours);
          const Floats q = Draw(dim, 0.4f);
          std::vector<char> memory(DenseQuerySize(dim));
          const Space space{g, &rotation, nullptr};
          Query query = QueryOfBlockForm(space, q.data(), memory.data());
          const Distances distances = kernels_->visit(g, query, test.block);
          const double dot = -Dot(q, test.stored), square = Square(q, test.stored);
          const double scale = std::sqrt(Dot(q, q) * Dot(own, own));
          EXPECT_NEAR(distances.navigation, metric == Metric::kInnerProduct ? dot : square, 1e-5 * scale);
          EXPECT_LE(std::sqrt(Square(own, test.stored)), Header(test.block).error);
          float estimates[32], deviations[32];
          kernels_->estimate(g, query, test.block, distances.navigation, estimates, deviations);
          for (size_t i = 0; i < 21; ++i)
            ASSERT_NEAR(estimates[i], Reference(g, query, test.block, i, distances.navigation), 1e-4 * (scale + square))
                << dim << ' ' << int(metric) << ' ' << int(codec) << ' ' << bits << ' ' << code_dim << ' ' << i;
          // Pairs of stored vectors.
          const TestBlock other(g, *kernels_, rotation, q, {});
          const float norm_a = kernels_->norm(g, Vector(g, test.block), Header(test.block).scale);
          const float norm_b = kernels_->norm(g, Vector(g, other.block), Header(other.block).scale);
          const float between = kernels_->between(g, Vector(g, test.block), Header(test.block).scale, norm_a,
                                                  Vector(g, other.block), Header(other.block).scale, norm_b);
          EXPECT_NEAR(
              between,
              metric == Metric::kInnerProduct ? -Dot(test.stored, other.stored) : Square(test.stored, other.stored),
              (codec > VectorCodec::kInt8 ? 1e-2 : 1e-5) * (Dot(own, own) + Dot(q, q)));  // without the rests
        }
}

// No bias, and the deviation that the theory gives, for vectors as different as dense, clustered and sparse ones.
TEST_P(HnswKernelsTest, EstimatesAreUnbiasedAndAsSharpAsPromised) {
  if (GetParam() == HWY_SCALAR) GTEST_SKIP() << "slow, and the same arithmetic";
  for (const size_t dim : {100, 129, 784})
    for (const auto& [bits, code_dim] : CodesOf(dim))
      for (const char* kind : {"dense", "clustered", "sparse"}) {
        const Geometry g = MakeGeometry(dim, Metric::kL2, VectorCodec::kFloat32, bits, 32, code_dim);
        const auto draw = [&] {
          Floats v = Draw(dim, kind[0] == 'c' ? 3.0f : 0.0f);
          if (kind[0] == 's')
            for (size_t i = 0; i < dim; ++i) v[i] = random_() % (dim / 3) == 0 ? 1.0f : 0.0f;
          return v;
        };
        double sum = 0, squares = 0;
        int count = 0;
        for (int round = 0; round < 40; ++round) {
          Rotation rotation(dim, round);
          std::vector<uint64_t> table(rotation.table_size() / 8);
          rotation.Prepare(table.data());
          Floats own = draw(), q = draw();
          std::vector<Floats> neighbours;
          for (int i = 0; i < 32; ++i) neighbours.push_back(draw()), rotation.Apply(neighbours.back().data());
          rotation.Apply(own.data()), rotation.Apply(q.data());
          const TestBlock test(g, *kernels_, rotation, own, neighbours);
          std::vector<char> memory(DenseQuerySize(dim));
          Query query = QueryOfBlockForm({g, &rotation, nullptr}, q.data(), memory.data());
          float estimates[32], deviations[32];
          kernels_->estimate(g, query, test.block, kernels_->visit(g, query, test.block).navigation, estimates,
                             deviations);
          for (int i = 0; i < 32; ++i) {
            const double unit = 2 * std::sqrt(Square(own, neighbours[i]) * Square(own, q) / static_cast<double>(dim));
            if (unit == 0) continue;
            const double error = (estimates[i] - Square(neighbours[i], q)) / unit;
            sum += error, squares += error * error, ++count;
          }
        }
        const double whole = bits == 1 ? 0.76 : bits == 2 ? 0.39 : 0.19;
        const double expected = std::sqrt((1 + whole * whole) * static_cast<double>(dim) / g.code_dim - 1);
        const double deviation = std::sqrt(squares / count);
        EXPECT_LT(deviation, expected * 1.15) << dim << ' ' << bits << ' ' << code_dim << ' ' << kind;
        // Where dimensions are left out, the 32 neighbours of a round err alike: 40 rounds leave more of it.
        const double chance = g.code_dim < dim ? 0.12 : 0.06;
        EXPECT_LT(std::abs(sum / count), 0.1 * expected + chance)
            << dim << ' ' << bits << ' ' << code_dim << ' ' << kind;
      }
}

TEST_P(HnswKernelsTest, ExtremeValuesGiveNoNaN) {
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kL1})
    for (const VectorCodec codec :
         {VectorCodec::kFloat32, VectorCodec::kFloat16, VectorCodec::kInt8, VectorCodec::kInt12, VectorCodec::kInt16})
      for (const float size : {0.0f, 1e-45f, 1e-38f, 1e-20f, 1e19f, 1e30f, 3e38f}) {
        const size_t dim = 70;
        const Geometry g = MakeGeometry(dim, metric, codec, 1, 16);
        Rotation rotation(dim, 3);
        std::vector<uint64_t> table(rotation.table_size() / 8);
        rotation.Prepare(table.data());
        const Floats own(dim, size), q(dim, -size), zero(dim, 0.0f);
        const TestBlock test(g, *kernels_, rotation, own, {own, q, zero});
        std::vector<char> memory(DenseQuerySize(dim));
        Query query = QueryOfBlockForm({g, &rotation, nullptr}, q.data(), memory.data());
        const Distances distances = kernels_->visit(g, query, test.block);
        EXPECT_FALSE(std::isnan(distances.navigation)) << size;
        EXPECT_FALSE(std::isnan(distances.rank)) << size;
        float estimates[16], deviations[16];
        kernels_->estimate(g, query, test.block, distances.navigation, estimates, deviations);
        for (int i = 0; i < 3; ++i) EXPECT_FALSE(std::isnan(estimates[i])) << size << ' ' << i;
      }
}

TEST(HnswGeometryTest, Sizes) {
  constexpr Geometry g = MakeGeometry(784, Metric::kL2, VectorCodec::kInt8, 1, 28);
  static_assert(g.codes == 24 + 28 * 7 && g.vector == g.codes + 28 * 98 && g.block_size == g.vector + 784);
  static_assert(MakeGeometry(1, Metric::kL2, VectorCodec::kInt8, 1, 4).block_size == 24 + 4 * 8 + 16);
}

MEDVEC_TEST_ON_TARGETS(HnswKernelsTest);

}  // namespace
}  // namespace medvec::hnsw
