// Distances of bit strings, whose forms are the server's: the two halves of the input, bit by bit.
#define HWY_WANT_AVX3_DL  // as core/bit_distance.cpp
#include "core/bit_distance.hpp"

#include "reference_distance.hpp"
#include "support.hpp"

using namespace medvec;
using namespace medvec::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t input_size) {
  static const auto all_kernels = OfAllTargets([] { return &GetBitDistanceKernels(); });
  const size_t size = input_size / 2;
  ExactBlock<uint8_t> block_a{std::span(data, size)}, block_b{std::span(data + size, size)};
  const uint8_t *a = block_a.span().data(), *b = block_b.span().data();
  uint32_t both = 0, either = 0;
  for (size_t bit = 0; bit < 8 * size; ++bit) {
    const bool in_a = a[bit / 8] >> bit % 8 & 1, in_b = b[bit / 8] >> bit % 8 & 1;
    both += in_a && in_b;
    either += in_a || in_b;
  }
  for (const BitDistanceKernels* kernels : all_kernels) {
    Check(kernels->hamming(a, b, size) == either - both && kernels->hamming(b, a, size) == either - both,
          "the Hamming distance is exact and symmetric");
    const BitOverlap overlap = kernels->overlap(a, b, size), swapped = kernels->overlap(b, a, size);
    Check(overlap.both == both && overlap.either == either && swapped.both == both && swapped.either == either,
          "the overlap is exact and symmetric");
    const double distance = JaccardDistance(overlap);
    Check(distance == (both == 0 ? 1 : 1 - static_cast<double>(both) / either) && distance >= 0,
          "the Jaccard distance is exact");
  }
  return 0;
}
