// The rotation is exactly orthogonal at any dimension, the same on every instruction set, and spreads any vector.
#include "core/rotation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "guarded_buffer.hpp"
#include "target_fixture.hpp"

namespace medvec {
namespace {

class RotationTest : public TargetTest {
 protected:
  std::mt19937 random_{11};
};

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

struct Turn {
  Turn(size_t dim, uint64_t seed) : rotation(dim, seed), table(rotation.table_size() / sizeof(uint64_t)) {
    rotation.Prepare(table.data());
  }
  std::vector<float> operator()(std::vector<float> x) const {
    rotation.Apply(x.data());
    return x;
  }
  Rotation rotation;
  std::vector<uint64_t> table;
};

std::vector<size_t> Dimensions() {
  std::vector<size_t> dims;
  for (size_t dim = 1; dim <= 140; ++dim) dims.push_back(dim);
  for (size_t dim :
       {255, 256, 257, 300, 384, 511, 513, 768, 784, 1000, 1023, 1024, 1025, 1280, 1536, 2047, 3000, 32767})
    dims.push_back(dim);
  return dims;
}

TEST_P(RotationTest, KeepsLengthsAndInnerProducts) {
  std::normal_distribution<float> normal;
  for (const size_t dim : Dimensions()) {
    const Turn turn(dim, dim);
    std::vector<float> x(dim), y(dim);
    for (float& v : x) v = normal(random_);
    for (float& v : y) v = normal(random_) + 1;
    const std::vector<float> px = turn(x), py = turn(y);
    const double bound = 2 * turn.rotation.RelativeError();
    EXPECT_NEAR(Dot(px, px) / Dot(x, x), 1, bound) << dim;
    EXPECT_NEAR(Dot(px, py), Dot(x, y), bound * std::sqrt(Dot(x, x) * Dot(y, y))) << dim;
  }
}

TEST_P(RotationTest, SameOnEveryInstructionSet) {
  std::normal_distribution<float> normal;
  for (const size_t dim : Dimensions()) {
    const Turn turn(dim, 42);
    std::vector<float> x(dim);
    for (float& v : x) v = normal(random_);
    const std::vector<float> here = turn(x);
    Use(0);
    std::vector<float> difference = turn(x);
    Use(GetParam());
    for (size_t i = 0; i < dim; ++i) difference[i] -= here[i];
    EXPECT_LE(std::sqrt(Dot(difference, difference)), 2 * turn.rotation.RelativeError() * std::sqrt(Dot(x, x))) << dim;
  }
}

// The sum of |coordinates| of a rotated vector says how good a sign code of it is: sqrt(2 / pi) of the length and the
// root of the dimension for a uniformly random direction. A vector of one coordinate is the worst to spread.
TEST_P(RotationTest, SpreadsSparseVectors) {
  for (const size_t dim : {64, 96, 100, 127, 128, 129, 384, 511, 784, 1024, 1280, 2047}) {
    double sum = 0, least = 1;
    int count = 0;
    for (uint64_t seed = 0; seed < 10; ++seed) {
      const Turn turn(dim, seed);
      for (size_t i = 0; i < dim; i += 1 + dim / 10, ++count) {
        std::vector<float> x(dim, 0.0f);
        x[i] = 1;
        if (i % 2) x[(i + dim / 2) % dim] = 1;
        double l1 = 0;
        const std::vector<float> px = turn(x);
        for (const float v : px) l1 += std::abs(v);
        const double cosine = l1 / std::sqrt(static_cast<double>(dim) * Dot(x, x));
        sum += cosine, least = std::min(least, cosine);
      }
    }
    EXPECT_NEAR(sum / count, std::sqrt(2 / M_PI), 0.02) << dim;
    EXPECT_GT(least, std::sqrt(2 / M_PI) - 5 * 0.6 / std::sqrt(static_cast<double>(dim))) << dim;
  }
}

TEST_P(RotationTest, TouchesNothingBehindTheVector) {
  GuardedBuffer<float> buffer(2100);
  for (size_t dim = 1; dim <= 2100; dim += dim < 200 ? 1 : 37) {
    const Turn turn(dim, 1);
    for (float& v : buffer.Last(dim)) v = 1;
    turn.rotation.Apply(buffer.Last(dim).data());
  }
}

TEST_P(RotationTest, SeedsDiffer) {
  std::vector<float> x(100, 1.0f);
  EXPECT_EQ(Turn(100, 5)(x), Turn(100, 5)(x));
  EXPECT_LT(std::abs(Dot(Turn(100, 5)(x), Turn(100, 6)(x))), 60);
}

MEDVEC_TEST_ON_TARGETS(RotationTest);

}  // namespace
}  // namespace medvec
