// Every instruction set that was compiled and that this machine has, on floats and on halves, against sums in double.
#include "core/distance.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "guarded_buffer.hpp"
#include "target_fixture.hpp"

namespace medvec {
namespace {

constexpr float kMaxFloat = std::numeric_limits<float>::max();
constexpr float kMinDenormal = std::numeric_limits<float>::denorm_min();

// Sums in double and, for the error bound, sums of the terms' absolute values.
struct Reference {
  double l2_squared = 0, inner_product = 0, norm_a = 0, norm_b = 0, l1 = 0, product_magnitude = 0;

  template <class Element>
  Reference(std::span<const Element> a, std::span<const Element> b) {
    for (size_t i = 0; i < a.size(); ++i) {
      const double x = ToFloat(a[i]), y = ToFloat(b[i]);
      l2_squared += (x - y) * (x - y);
      inner_product += x * y;
      norm_a += x * x;
      norm_b += y * y;
      l1 += std::abs(x - y);
      product_magnitude += std::abs(x * y);
    }
  }
};

class DistanceTest : public TargetTest {
 protected:
  void SetUp() override {
    TargetTest::SetUp();
    kernels_ = &GetDistanceKernels();
  }
  // The promise of distance.hpp. What vanishes by denormal rounding is half of the least float32 a term.
  template <class Element>
  void Check(std::span<const Element> a, std::span<const Element> b) {
    const DistanceKernels<Element>& kernels = GetDistanceKernels<Element>();
    const size_t dim = a.size();
    const Reference exact(a, b);
    const double relative = (static_cast<double>(dim) / 16 + 8) * std::ldexp(1.0, -24);
    const double lost = static_cast<double>(dim) * kMinDenormal;
    const auto check = [&](const char* kernel, double value, double expected, double magnitude) {
      if (magnitude > kMaxFloat) return;  // overflow has tests of its own
      EXPECT_LE(std::abs(value - expected), relative * magnitude + lost)
          << kernel << ", dimension " << dim << ": " << value << " instead of " << expected;
    };
    check("l2_squared", kernels.l2_squared(a.data(), b.data(), dim), exact.l2_squared, exact.l2_squared);
    check("inner_product", kernels.inner_product(a.data(), b.data(), dim), exact.inner_product,
          exact.product_magnitude);
    check("l1", kernels.l1(a.data(), b.data(), dim), exact.l1, exact.l1);
    const CosineSums sums = kernels.cosine(a.data(), b.data(), dim);
    check("cosine.dot", sums.dot, exact.inner_product, exact.product_magnitude);
    check("cosine.norm_a", sums.norm_a, exact.norm_a, exact.norm_a);
    check("cosine.norm_b", sums.norm_b, exact.norm_b, exact.norm_b);
    EXPECT_NEAR(kernels.norm_squared(a.data(), dim), exact.norm_a, exact.norm_a * 1e-13);
  }

  // The floats, and the halves nearest to them where there are such.
  void CheckAll(std::span<const float> a, std::span<const float> b) {
    Check(a, b);
    const std::span<Half> half_a = halves_a_.Last(a.size()), half_b = halves_b_.Last(b.size());
    const bool fit_a = FloatsToHalves(a.data(), half_a.data(), a.size());
    if (FloatsToHalves(b.data(), half_b.data(), b.size()) && fit_a)
      Check(std::span<const Half>(half_a), std::span<const Half>(half_b));
  }

  GuardedBuffer<Half> halves_a_{32767}, halves_b_{32767};
  const DistanceKernels<float>* kernels_ = nullptr;
  std::mt19937 random_{20240607};
};

std::vector<size_t> Dimensions() {
  std::vector<size_t> dims(300);
  std::iota(dims.begin(), dims.end(), 1);
  for (size_t dim : {384, 512, 768, 784, 1023, 1024, 1025, 1280, 2048, 4096, 25088, 32767}) dims.push_back(dim);
  return dims;
}

void Fill(std::span<float> v, const std::function<float()>& draw) {
  for (float& x : v) x = draw();
}

TEST_P(DistanceTest, RandomValuesOfAllDimensionsAtAllAlignments) {
  std::normal_distribution<float> normal;
  for (const size_t dim : Dimensions()) {
    std::vector<float> a(dim + 16), b(dim + 16);
    Fill(a, [&] { return normal(random_); });
    Fill(b, [&] { return normal(random_); });
    const size_t offsets = dim <= 64 ? 16 : 3;
    for (size_t offset = 0; offset < offsets; ++offset)
      CheckAll(std::span(a).subspan(offset, dim), std::span(b).subspan(offset * 7 % 16, dim));
  }
}

TEST_P(DistanceTest, SameSignValuesDoNotDrift) {
  std::uniform_real_distribution<float> uniform(0.5f, 1.0f);
  for (const size_t dim : Dimensions()) {
    std::vector<float> a(dim), b(dim);
    Fill(a, [&] { return uniform(random_); });
    Fill(b, [&] { return uniform(random_); });
    CheckAll(a, b);
  }
}

TEST_P(DistanceTest, ValuesOfAllMagnitudes) {
  std::uniform_int_distribution<uint32_t> bits;
  std::vector<float> a, b;
  for (int round = 0; round < 2000; ++round) {
    const size_t dim = 1 + round % 300;
    a.resize(dim), b.resize(dim);
    const auto draw = [&] {
      for (;;) {
        const uint32_t pattern = bits(random_);
        float x;
        std::memcpy(&x, &pattern, sizeof x);
        if (std::isfinite(x)) return round % 2 ? x : std::ldexp(x, -70);
      }
    };
    Fill(a, draw), Fill(b, draw);
    CheckAll(a, b);
  }
}

TEST_P(DistanceTest, Denormals) {
  for (const size_t dim : {1, 3, 16, 17, 100, 1024}) {
    std::vector<float> a(dim, kMinDenormal), b(dim, 3 * kMinDenormal);
    CheckAll(a, b);
    EXPECT_EQ(kernels_->l1(a.data(), b.data(), dim), 2 * kMinDenormal * static_cast<float>(dim));
    EXPECT_EQ(kernels_->l2_squared(a.data(), b.data(), dim), 0);
    EXPECT_GT(kernels_->norm_squared(a.data(), dim), 0);
  }
}

TEST_P(DistanceTest, HugeValuesOverflowToTheRightSide) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const size_t dim : {1, 2, 15, 64, 65, 1000}) {
    std::vector<float> a(dim, kMaxFloat), b(dim, -kMaxFloat);
    EXPECT_EQ(kernels_->l2_squared(a.data(), b.data(), dim), infinity);
    EXPECT_EQ(kernels_->l1(a.data(), b.data(), dim), infinity);
    EXPECT_EQ(kernels_->inner_product(a.data(), a.data(), dim), infinity);
    EXPECT_EQ(kernels_->inner_product(a.data(), b.data(), dim), -infinity);
    const double square = static_cast<double>(kMaxFloat) * kMaxFloat;
    EXPECT_NEAR(kernels_->norm_squared(a.data(), dim) / square, static_cast<double>(dim), 1e-9 * dim);
  }
  // The overflows cancel, whichever partial sums they are in: what remains is the exact sum.
  for (size_t i = 0; i < 70; ++i)
    for (size_t j = 0; j < 70; ++j) {
      if (i == j) continue;
      std::vector<float> a(71, 0.0f), b(71, 0.0f);
      a[i] = b[i] = a[j] = kMaxFloat;
      b[j] = -kMaxFloat;
      a[70] = 2, b[70] = 3;
      EXPECT_EQ(kernels_->inner_product(a.data(), b.data(), 71), 6) << i << ' ' << j;
    }
}

TEST_P(DistanceTest, GreatestAndLeastHalves) {
  const DistanceKernels<Half>& kernels = GetDistanceKernels<Half>();
  for (const size_t dim : {1, 2, 15, 64, 65, 1000, 32767}) {
    const std::vector<Half> greatest(dim, Half{0x7bff}), lowest(dim, Half{0xfbff}), least(dim, Half{1});
    for (const auto& [a, b] : {std::pair(greatest, lowest), std::pair(least, greatest), std::pair(least, least)})
      Check(std::span<const Half>(a), std::span<const Half>(b));
    EXPECT_EQ(kernels.l1(least.data(), greatest.data(), 1), 65504 - 0x1p-24f);
    EXPECT_GT(kernels.inner_product(least.data(), least.data(), dim), 0);
  }
}

TEST_P(DistanceTest, ExactWhereFloat32Is) {
  for (size_t dim = 1; dim <= 300; ++dim) {
    std::vector<float> a(dim), b(dim);
    for (size_t i = 0; i < dim; ++i) a[i] = static_cast<float>(i % 7), b[i] = -static_cast<float>(i % 5);
    const Reference exact{std::span<const float>(a), std::span<const float>(b)};
    EXPECT_EQ(kernels_->l2_squared(a.data(), b.data(), dim), exact.l2_squared);
    EXPECT_EQ(kernels_->inner_product(a.data(), b.data(), dim), exact.inner_product);
    EXPECT_EQ(kernels_->l1(a.data(), b.data(), dim), exact.l1);
    EXPECT_EQ(kernels_->cosine(a.data(), b.data(), dim).norm_b, exact.norm_b);
    EXPECT_EQ(kernels_->norm_squared(a.data(), dim), exact.norm_a);
  }
}

TEST_P(DistanceTest, SymmetricAndIndependentOfAlignment) {
  std::normal_distribution<float> normal;
  for (const size_t dim : {1, 7, 33, 100, 255, 784}) {
    std::vector<float> a(dim + 1), b(dim + 1), shifted_a(dim + 1), shifted_b(dim + 1);
    Fill(a, [&] { return normal(random_); });
    Fill(b, [&] { return normal(random_); });
    std::copy_n(a.begin(), dim, shifted_a.begin() + 1);
    std::copy_n(b.begin(), dim, shifted_b.begin() + 1);
    for (const auto kernel : {kernels_->l2_squared, kernels_->inner_product, kernels_->l1}) {
      const float value = kernel(a.data(), b.data(), dim);
      EXPECT_EQ(value, kernel(b.data(), a.data(), dim));
      EXPECT_EQ(value, kernel(shifted_a.data() + 1, shifted_b.data() + 1, dim));
    }
    const CosineSums forth = kernels_->cosine(a.data(), b.data(), dim),
                     back = kernels_->cosine(b.data(), a.data(), dim);
    EXPECT_EQ(forth.dot, back.dot);
    EXPECT_EQ(forth.norm_a, back.norm_b);
    EXPECT_EQ(forth.norm_b, back.norm_a);
  }
}

TEST_P(DistanceTest, NothingBehindTheVectorIsRead) {
  GuardedBuffer<float> a(32767), b(32767);
  Fill(a.All(), [] { return 1.0f; });
  Fill(b.All(), [] { return 2.0f; });
  for (const size_t dim : Dimensions()) CheckAll(a.Last(dim), b.Last(dim));
}

MEDVEC_TEST_ON_TARGETS(DistanceTest);

TEST(CosineDistanceTest, StaysInRange) {
  EXPECT_EQ(CosineDistance({1, 1, 1}), 0);
  EXPECT_EQ(CosineDistance({1.0000001f, 1, 1}), 0);
  EXPECT_EQ(CosineDistance({-1.0000001f, 1, 1}), 2);
  EXPECT_EQ(CosineDistance({0, 1, 1}), 1);
  EXPECT_EQ(CosineDistance({1, 4, 1}), 0.5);
  EXPECT_TRUE(std::isnan(CosineDistance({0, 0, 1})));
}

}  // namespace
}  // namespace medvec
