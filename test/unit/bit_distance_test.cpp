// Every instruction set that was compiled and that this machine has, against bits counted one by one.
#define HWY_WANT_AVX3_DL
#include "core/bit_distance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "guarded_buffer.hpp"
#include "target_fixture.hpp"

namespace medvec {
namespace {

class BitDistanceTest : public TargetTest {
 protected:
  void SetUp() override {
    TargetTest::SetUp();
    kernels_ = &GetBitDistanceKernels();
  }
  void Check(std::span<const uint8_t> a, std::span<const uint8_t> b) {
    uint32_t differing = 0, both = 0, either = 0;
    for (size_t i = 0; i < 8 * a.size(); ++i) {
      const bool in_a = a[i / 8] >> i % 8 & 1, in_b = b[i / 8] >> i % 8 & 1;
      differing += in_a != in_b, both += in_a && in_b, either += in_a || in_b;
    }
    EXPECT_EQ(kernels_->hamming(a.data(), b.data(), a.size()), differing) << a.size() << " bytes";
    const BitOverlap overlap = kernels_->overlap(a.data(), b.data(), a.size());
    EXPECT_EQ(overlap.both, both) << a.size() << " bytes";
    EXPECT_EQ(overlap.either, either) << a.size() << " bytes";
  }

  void Fill(std::span<uint8_t> bytes) {
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
  }

  const BitDistanceKernels* kernels_ = nullptr;
  std::mt19937 random_{20240607};
};

std::vector<size_t> Sizes() {
  std::vector<size_t> sizes;
  for (size_t size = 0; size <= 600; ++size) sizes.push_back(size);
  for (size_t size : {1000, 1023, 1024, 4095, 8000, 8191, 8192, 100'003}) sizes.push_back(size);
  return sizes;
}

TEST_P(BitDistanceTest, RandomBitsOfAllSizesAtAllAlignments) {
  std::vector<uint8_t> a(100'100), b(100'100);
  Fill(a), Fill(b);
  for (const size_t size : Sizes()) {
    const size_t offsets = size <= 300 ? 9 : 2;
    for (size_t offset = 0; offset < offsets; ++offset)
      Check(std::span(a).subspan(offset, size), std::span(b).subspan(offset * 5 % 9, size));
  }
}

// Neither side of the strings is read: nothing behind them may be touched, and what lies before them is all ones.
TEST_P(BitDistanceTest, NothingBesideTheStringIsRead) {
  GuardedBuffer<uint8_t> a(100'100), b(100'100);
  for (const size_t size : Sizes()) {
    std::ranges::fill(a.All(), 0xff), std::ranges::fill(b.All(), 0);
    Fill(a.Last(size)), Fill(b.Last(size));
    Check(a.Last(size), b.Last(size));
  }
}

// The greatest counts a byte, a register and a sum can have.
TEST_P(BitDistanceTest, AllOnes) {
  const std::vector<uint8_t> ones(1 << 20, 0xff), zeros(1 << 20, 0);
  for (const size_t size : {size_t{1}, size_t{64}, size_t{256}, size_t{8000}, ones.size()}) {
    EXPECT_EQ(kernels_->hamming(ones.data(), zeros.data(), size), 8 * size);
    EXPECT_EQ(kernels_->hamming(ones.data(), ones.data(), size), 0u);
    EXPECT_EQ(kernels_->overlap(ones.data(), ones.data(), size).both, 8 * size);
    EXPECT_EQ(kernels_->overlap(ones.data(), ones.data(), size).either, 8 * size);
    EXPECT_EQ(kernels_->overlap(ones.data(), zeros.data(), size).both, 0u);
    EXPECT_EQ(kernels_->overlap(ones.data(), zeros.data(), size).either, 8 * size);
  }
}

MEDVEC_TEST_ON_TARGETS(BitDistanceTest);

TEST(JaccardDistanceTest, Values) {
  EXPECT_EQ(JaccardDistance({0, 0}), 1);
  EXPECT_EQ(JaccardDistance({0, 5}), 1);
  EXPECT_EQ(JaccardDistance({5, 5}), 0);
  EXPECT_EQ(JaccardDistance({1, 4}), 0.75);
  EXPECT_EQ(JaccardDistance({4'000'000'000u, 4'000'000'000u}), 0);
}

}  // namespace
}  // namespace medvec
