#include "core/radix_sort.hpp"

#include <cstring>
#include <utility>

namespace medvec {

void RadixSort(uint64_t* numbers, uint64_t* scratch, size_t count) {
  uint64_t any = 0, all = ~uint64_t{0};
  for (size_t i = 0; i < count; ++i) any |= numbers[i], all &= numbers[i];
  uint64_t *from = numbers, *to = scratch;
  for (int shift = 0; shift < 64; shift += 8) {
    const auto byte = [shift](uint64_t number) { return number >> shift & 0xff; };
    if (byte(any & ~all) == 0) continue;
    size_t places[256] = {}, before = 0;
    for (size_t i = 0; i < count; ++i) ++places[byte(from[i])];
    for (size_t& place : places) before += std::exchange(place, before);
    for (size_t i = 0; i < count; ++i) to[places[byte(from[i])]++] = from[i];
    std::swap(from, to);
  }
  if (from != numbers) std::memcpy(numbers, from, count * sizeof *numbers);
}

}  // namespace medvec
