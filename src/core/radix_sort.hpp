// Sorting of many numbers by their bytes, least significant first: faster than by comparison from some hundreds on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace medvec {

// Ascending. `scratch` has room for as many. One pass for each byte in which any two differ.
void RadixSort(uint64_t* numbers, uint64_t* scratch, size_t count);

}  // namespace medvec
