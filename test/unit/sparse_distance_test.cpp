// Sparse distances for every instruction set of this machine, against dense sums in double.
#include "core/sparse_distance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "guarded_buffer.hpp"
#include "target_fixture.hpp"

namespace medvec {
namespace {

using Elements = std::map<int32_t, float>;

// A sparse vector in memory that ends with it.
class Sparse {
 public:
  explicit Sparse(const Elements& elements) : indices_(elements.size()), values_(elements.size()) {
    size_t i = 0;
    for (const auto& [index, value] : elements) {
      indices_.All()[i] = index;
      values_.All()[i++] = value;
    }
  }
  SparseView View() { return {indices_.All().data(), values_.All().data(), indices_.All().size()}; }

 private:
  GuardedBuffer<int32_t> indices_;
  GuardedBuffer<float> values_;
};

class SparseDistance : public TargetTest {
 protected:
};

void CheckAll(const Elements& x, const Elements& y) {
  Elements both = x;
  both.insert(y.begin(), y.end());
  double l2_squared = 0, inner_product = 0, l1 = 0, norm_x = 0, norm_y = 0, magnitude = 0;
  for (const auto& [index, unused] : both) {
    const double a = x.contains(index) ? x.at(index) : 0, b = y.contains(index) ? y.at(index) : 0;
    l2_squared += (a - b) * (a - b);
    inner_product += a * b;
    magnitude += std::abs(a * b);
    l1 += std::abs(a - b);
    norm_x += a * a;
    norm_y += b * b;
  }
  Sparse a(x), b(y);
  const double ulp = std::ldexp(1.0, -23);
  EXPECT_NEAR(SparseL2Squared(a.View(), b.View()), l2_squared, 2 * ulp * l2_squared);
  EXPECT_NEAR(SparseInnerProduct(a.View(), b.View()), inner_product, ulp * magnitude);
  EXPECT_NEAR(SparseL1(a.View(), b.View()), l1, 2 * ulp * l1);
  EXPECT_NEAR(SparseNormSquared(a.View()), norm_x, 1e-12 * norm_x);
  const CosineSums sums = SparseCosine(a.View(), b.View());
  EXPECT_NEAR(sums.dot, inner_product, ulp * magnitude);
  EXPECT_NEAR(sums.norm_a, norm_x, ulp * norm_x);
  EXPECT_NEAR(sums.norm_b, norm_y, ulp * norm_y);
  EXPECT_EQ(SparseL2Squared(a.View(), b.View()), SparseL2Squared(b.View(), a.View()));
  EXPECT_EQ(SparseInnerProduct(a.View(), b.View()), SparseInnerProduct(b.View(), a.View()));
  EXPECT_EQ(SparseL1(a.View(), b.View()), SparseL1(b.View(), a.View()));
  EXPECT_EQ(SparseL2Squared(a.View(), a.View()), 0);
  EXPECT_EQ(SparseL1(b.View(), b.View()), 0);
}

Elements Random(std::mt19937& random, size_t count, int32_t dim) {
  std::uniform_real_distribution<float> value(-10, 10);
  Elements elements;
  while (elements.size() < count) elements[static_cast<int32_t>(random() % static_cast<uint32_t>(dim))] = value(random);
  return elements;
}

TEST_P(SparseDistance, AllCounts) {
  std::mt19937 random(1);
  for (size_t a = 0; a <= 35; ++a)
    for (size_t b = 0; b <= 35; ++b)
      for (const int32_t dim : {36, 100, kMaxSparseDim}) CheckAll(Random(random, a, dim), Random(random, b, dim));
}

TEST_P(SparseDistance, UnlikeLengths) {
  std::mt19937 random(2);
  for (const size_t count : {0, 1, 3, 8, 9, 100, 1000}) {
    CheckAll(Random(random, count, 20000), Random(random, 1000, 20000));
    CheckAll(Random(random, 1000, 20000), Random(random, count, 20000));
  }
}

// One behind the other, interleaved, the greatest index.
TEST_P(SparseDistance, Arrangements) {
  Elements low, high, even, odd;
  for (int i = 0; i < 20; ++i) {
    low[i] = static_cast<float>(i + 1);
    high[kMaxSparseDim - 1 - i] = static_cast<float>(i + 1);
    even[2 * i] = 1;
    odd[2 * i + 1] = -1;
  }
  for (const Elements& a : {low, high, even, odd})
    for (const Elements& b : {low, high, even, odd}) CheckAll(a, b);
}

TEST_P(SparseDistance, Overflow) {
  Sparse a({{0, 3e38f}, {5, 3e38f}}), b({{0, -3e38f}, {5, 3e38f}}), c({{0, -3e38f}});
  EXPECT_EQ(SparseL2Squared(a.View(), b.View()), INFINITY);
  EXPECT_EQ(SparseL1(a.View(), b.View()), INFINITY);
  EXPECT_EQ(SparseInnerProduct(a.View(), b.View()), 0);
  EXPECT_EQ(SparseInnerProduct(a.View(), c.View()), -INFINITY);
  EXPECT_TRUE(std::isnan(CosineDistance(SparseCosine(a.View(), a.View()))));
}

TEST_P(SparseDistance, Cosine) {
  Sparse zero({}), a({{1, 1.0f}, {3, 1.0f}}), b({{1, 2.0f}, {3, 2.0f}}), c({{1, -1.0f}, {3, -1.0f}}), d({{2, 1.0f}});
  EXPECT_TRUE(std::isnan(CosineDistance(SparseCosine(zero.View(), a.View()))));
  EXPECT_EQ(CosineDistance(SparseCosine(a.View(), b.View())), 0);
  EXPECT_EQ(CosineDistance(SparseCosine(a.View(), c.View())), 2);
  EXPECT_EQ(CosineDistance(SparseCosine(a.View(), d.View())), 1);
}

MEDVEC_TEST_ON_TARGETS(SparseDistance);

TEST(CompareSparse, AsDense) {
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    const int dims[] = {1 + static_cast<int>(random() % 4), 1 + static_cast<int>(random() % 4)};
    std::vector<float> dense[2];
    Elements elements[2];
    for (int side = 0; side < 2; ++side)
      for (int i = 0; i < dims[side]; ++i) {
        const float value = static_cast<float>(random() % 3) - 1;
        dense[side].push_back(value);
        if (value != 0) elements[side][i] = value;
      }
    Sparse a(elements[0]), b(elements[1]);
    const int order = CompareSparse(a.View(), dims[0], b.View(), dims[1]);
    const int expected = dense[0] < dense[1] ? -1 : dense[0] > dense[1];
    ASSERT_EQ((order > 0) - (order < 0), expected);
  }
}

}  // namespace
}  // namespace medvec
