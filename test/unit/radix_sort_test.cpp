#include "core/radix_sort.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace medvec {
namespace {

TEST(RadixSortTest, AsByComparison) {
  std::mt19937_64 random(20261120);
  // All bytes differ, some do (an even number of them, and an odd one), none does.
  for (const uint64_t mask :
       {~uint64_t{0}, uint64_t{0xffff000000ff}, uint64_t{0x1ff000}, uint64_t{0xff00}, uint64_t{0}}) {
    for (const size_t count : {size_t{0}, size_t{1}, size_t{2}, size_t{255}, size_t{5000}}) {
      std::vector<uint64_t> numbers(count), scratch(count);
      for (uint64_t& number : numbers) number = (random() & mask) | 0x7000000000000000;
      std::vector<uint64_t> sorted = numbers;
      std::sort(sorted.begin(), sorted.end());
      RadixSort(numbers.data(), scratch.data(), count);
      EXPECT_EQ(numbers, sorted) << count << " numbers, " << mask;
    }
  }
}

}  // namespace
}  // namespace medvec
