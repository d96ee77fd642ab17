// Counts of bits, for the widest instruction set of this machine. Lengths are in bytes, multiples of 8; nothing beyond
// is read. Any alignment.
#pragma once

#include <cstddef>
#include <cstdint>

namespace medvec::hnsw {

struct BitKernels {
  // Set in `a`.
  uint32_t (*ones)(const uint8_t* a, size_t bytes);
  // Set in one and not in the other.
  uint32_t (*differing)(const uint8_t* a, const uint8_t* b, size_t bytes);
  // The same for `count` codes one behind the other, against `with`.
  void (*differing_codes)(const uint8_t* codes, size_t count, size_t bytes, const uint8_t* with, uint32_t* counts);
  void (*ones_of_codes)(const uint8_t* codes, size_t count, size_t bytes, uint32_t* counts);
  // Set in `within`, and different in code and `node`.
  void (*differing_within)(const uint8_t* codes, size_t count, size_t bytes, const uint8_t* node, const uint8_t* within,
                           uint32_t* counts);
};

const BitKernels& GetBitKernels();

}  // namespace medvec::hnsw
