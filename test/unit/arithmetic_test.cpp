// Every instruction set, on floats and on halves, against the operation on one element.
#include "core/arithmetic.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "guarded_buffer.hpp"
#include "target_fixture.hpp"

namespace medvec {
namespace {

void Set(float value, float& element) { element = value; }
void Set(float value, Half& element) { element = ToHalf(value); }

uint32_t Bits(float value) { return std::bit_cast<uint32_t>(value); }
uint32_t Bits(Half half) { return half.bits; }

template <class Element>
void Draw(std::mt19937& random, Element& element) {
  do
    element =
        std::bit_cast<Element>(static_cast<std::conditional_t<sizeof(Element) == 2, uint16_t, uint32_t>>(random()));
  while (!IsFinite(element));
}

// The result of one element by way of double and float, which rounds as once: double has 2 * 24 + 2 bits.
template <class Element, class Operation>
Element One(Operation operation, Element a, Element b) {
  Element result;
  Set(static_cast<float>(operation(double{ToFloat(a)}, double{ToFloat(b)})), result);
  return result;
}

class ArithmeticTest : public TargetTest {
 protected:
  template <class Element>
  void CheckOperations() {
    const ArithmeticKernels<Element>& kernels = GetArithmeticKernels<Element>();
    GuardedBuffer<Element> guarded_a(300), guarded_b(300), guarded_result(300);
    for (int round = 0; round < 3000; ++round) {
      const size_t dim = 1 + static_cast<size_t>(round) % 300;
      const auto a = guarded_a.Last(dim), b = guarded_b.Last(dim), result = guarded_result.Last(dim);
      for (Element& x : a) Draw(random_, x);
      for (Element& x : b) Draw(random_, x);
      const auto check = [&](const char* name, auto kernel, auto operation, bool product) {
        bool in_range = true;
        std::vector<Element> expected(dim);
        for (size_t i = 0; i < dim; ++i) {
          expected[i] = One<Element>(operation, a[i], b[i]);
          const bool vanished = product && ToFloat(expected[i]) == 0 && ToFloat(a[i]) != 0 && ToFloat(b[i]) != 0;
          in_range = in_range && IsFinite(expected[i]) && !vanished;
        }
        EXPECT_EQ(kernel(a.data(), b.data(), result.data(), dim), in_range) << name << ' ' << dim;
        for (size_t i = 0; i < dim; ++i)
          ASSERT_EQ(Bits(result[i]), Bits(expected[i])) << name << ' ' << ToFloat(a[i]) << ' ' << ToFloat(b[i]);
      };
      check(
          "add", kernels.add, [](double x, double y) { return x + y; }, false);
      check(
          "subtract", kernels.subtract, [](double x, double y) { return x - y; }, false);
      check(
          "multiply", kernels.multiply, [](double x, double y) { return x * y; }, true);

      const double divisor = 1 + std::abs(static_cast<double>(ToFloat(b[0])));
      kernels.divide(a.data(), divisor, result.data(), dim);
      for (size_t i = 0; i < dim; ++i) {
        Element expected;
        Set(static_cast<float>(ToFloat(a[i]) / divisor), expected);
        ASSERT_EQ(Bits(result[i]), Bits(expected)) << "divide " << dim;
      }

      GuardedBuffer<double> guarded_sums(dim);
      const auto sums = guarded_sums.All();
      for (size_t i = 0; i < dim; ++i) sums[i] = ToFloat(b[i]);
      kernels.accumulate(sums.data(), a.data(), sums.data(), dim);
      for (size_t i = 0; i < dim; ++i)
        ASSERT_EQ(sums[i], static_cast<double>(ToFloat(b[i])) + ToFloat(a[i])) << "accumulate " << dim;
    }
  }

  // Whether each bad element is seen, wherever it stands.
  template <class Element>
  void CheckRange(float great, float small) {
    const ArithmeticKernels<Element>& kernels = GetArithmeticKernels<Element>();
    const auto constant = [](size_t dim, float value) {
      std::vector<Element> elements(dim);
      for (Element& element : elements) Set(value, element);
      return elements;
    };
    for (size_t dim = 1; dim <= 70; ++dim) {
      std::vector<Element> a = constant(dim, 1), result(dim);
      for (size_t at = 0; at < dim; ++at) {
        const auto with = [&](float value, float other, auto kernel) {
          std::vector<Element> x = a, y = constant(dim, 0);
          Set(value, x[at]), Set(other, y[at]);
          return kernel(x.data(), y.data(), result.data(), dim);
        };
        EXPECT_TRUE(with(great, 0, kernels.add));
        EXPECT_FALSE(with(great, great, kernels.add));
        EXPECT_FALSE(with(-great, -great, kernels.add));
        EXPECT_FALSE(with(great, -great, kernels.subtract));
        EXPECT_TRUE(with(great, great, kernels.subtract));
        EXPECT_FALSE(with(great, -great, kernels.multiply));
        EXPECT_FALSE(with(small, small, kernels.multiply));
        EXPECT_TRUE(with(small, 0, kernels.multiply));
        EXPECT_TRUE(with(small, great, kernels.multiply));
      }
    }
  }

  std::mt19937 random_{5};
};

TEST_P(ArithmeticTest, Floats) { CheckOperations<float>(); }
TEST_P(ArithmeticTest, Halves) { CheckOperations<Half>(); }
TEST_P(ArithmeticTest, RangeOfFloats) { CheckRange<float>(3e38f, 1e-30f); }
TEST_P(ArithmeticTest, RangeOfHalves) { CheckRange<Half>(65504, 0x1p-13f); }

// The least product of halves that does not vanish, and the least sum that overflows.
TEST_P(ArithmeticTest, EdgesOfHalves) {
  const ArithmeticKernels<Half>& kernels = GetArithmeticKernels<Half>();
  const auto of = [](auto kernel, float x, float y, float* result) {
    const Half a = ToHalf(x), b = ToHalf(y);
    Half c;
    const bool in_range = kernel(&a, &b, &c, 1);
    *result = ToFloat(c);
    return in_range;
  };
  float result;
  EXPECT_FALSE(of(kernels.multiply, 0x1p-12f, 0x1p-13f, &result));  // the middle between 0 and the least half
  EXPECT_EQ(result, 0);
  EXPECT_TRUE(of(kernels.multiply, 0x1p-12f, 0x1.004p-13f, &result));
  EXPECT_EQ(result, 0x1p-24f);
  EXPECT_TRUE(of(kernels.add, 65504, 0x1.ffcp3f, &result));
  EXPECT_EQ(result, 65504);
  EXPECT_FALSE(of(kernels.add, 65504, 16, &result));
}

MEDVEC_TEST_ON_TARGETS(ArithmeticTest);

}  // namespace
}  // namespace medvec
