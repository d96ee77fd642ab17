// Distances between bit strings, for the widest instruction set of this machine. Exact.
//
// Shapes: `a` and `b` hold `size` bytes each (less than 2^29), in any alignment; nothing beyond them is read. Bits of
// the last byte that are not part of the string are 0 in both. The order of bits does not matter.
#pragma once

#include <cstddef>
#include <cstdint>

namespace medvec {

struct BitOverlap {
  uint32_t both;    // |a ∩ b|
  uint32_t either;  // |a ∪ b|
};

// One table for each instruction set. Take it once and call through it: the choice is made by GetBitDistanceKernels.
struct BitDistanceKernels {
  uint32_t (*hamming)(const uint8_t* a, const uint8_t* b, size_t size);  // bits that differ
  BitOverlap (*overlap)(const uint8_t* a, const uint8_t* b, size_t size);
};

const BitDistanceKernels& GetBitDistanceKernels();

// 1 - |a ∩ b| / |a ∪ b|, which is 1 - the Tanimoto similarity of fingerprints; 1 for two empty sets.
constexpr double JaccardDistance(const BitOverlap& overlap) {
  return overlap.both == 0 ? 1 : 1 - static_cast<double>(overlap.both) / overlap.either;
}

}  // namespace medvec
