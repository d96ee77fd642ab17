// Memory prefetch for values that a sequential scan hands over one by one.
//
// A scan takes the rows of a page in the order in which they were written, which is from the end of the page towards
// its beginning, and the pages in order; and pages that were read or written one after the other mostly lie in
// neighbouring buffers. Processors do not foresee either step, so each row waits for memory longer than its distance
// takes to add up. This watches where the values lie, and while the pages follow each other at the distance of one
// buffer, up or down, it asks for the place that the value has one page further: exact for rows of one length, close
// for others. It never reads what an address points to. Figures: docs/decisions/0002-prefetch-in-scans.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace medvec {

template <std::intptr_t kPageSize>
class PageStride {
 public:
  // Called for each value, where it lies in its page.
  void Visit(const void* value, std::size_t size) {
    const std::intptr_t place = reinterpret_cast<std::intptr_t>(value);
    if (place >= last_ || place < last_ - kPageSize) {  // another page
      const std::intptr_t step = place - first_on_page_;
      stride_ = IsAbout(step, kPageSize) ? kPageSize : IsAbout(step, -kPageSize) ? -kPageSize : 0;
      first_on_page_ = place;
    }
    last_ = place;
    if (stride_ == 0) return;
    const std::intptr_t end = place + stride_ + static_cast<std::intptr_t>(size);
    for (std::intptr_t line = place + stride_ - kTupleHeader; line < end; line += kCacheLine)
      __builtin_prefetch(reinterpret_cast<const void*>(line));
  }

 private:
  static constexpr std::intptr_t kCacheLine = 64, kTupleHeader = 32, kTolerance = 512;

  static bool IsAbout(std::intptr_t step, std::intptr_t stride) { return std::abs(step - stride) <= kTolerance; }

  std::intptr_t last_ = 0;
  std::intptr_t first_on_page_ = 0;
  std::intptr_t stride_ = 0;  // to the following page, 0 while unknown
};

}  // namespace medvec
