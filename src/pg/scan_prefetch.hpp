// Memory prefetch for values that a sequential scan hands over one by one.
//
// A scan takes the rows of a page from its end towards its beginning and goes from page to page; pages that were read
// or written one after the other mostly lie in neighbouring buffers, upwards or (buffers freed by a DROP) downwards.
// Processors foresee neither step, so each row waits for memory longer than its distance takes to add up. This watches
// in which shared buffers the values lie, and while each page is next to the one before it, asks for the place that the
// value has one page further: exact for rows of one length, close for others. Figures:
// docs/decisions/0002-prefetch-in-scans.md.
#pragma once

#include <cstdint>

#include "pg/server.hpp"

extern "C" {
#include "storage/bufmgr.h"
}

namespace medvec {

class ScanPrefetch {
 public:
  // Called for each value, where the scan shows it. Nothing of the following page is read, only asked for.
  void Visit(const struct varlena* value) {
    const std::uintptr_t pool = reinterpret_cast<std::uintptr_t>(BufferBlocks);
    const std::uintptr_t place = reinterpret_cast<std::uintptr_t>(value);
    const std::uintptr_t buffer = (place - pool) / BLCKSZ;  // huge for what lies below the pool
    if (buffer >= static_cast<std::uintptr_t>(NBuffers)) return;
    if (buffer != last_buffer_) {
      direction_ = buffer == last_buffer_ + 1 ? 1 : buffer + 1 == last_buffer_ ? -1 : 0;
      last_buffer_ = buffer;
    }
    if (direction_ == 0) return;
    const std::uintptr_t next = place + direction_ * static_cast<std::intptr_t>(BLCKSZ);
    for (std::uintptr_t line = next - kTupleHeader; line < next + VARSIZE_ANY(value); line += kCacheLine)
      __builtin_prefetch(reinterpret_cast<const void*>(line));
  }

 private:
  static constexpr std::uintptr_t kCacheLine = 64, kTupleHeader = 32;

  std::uintptr_t last_buffer_ = 0;
  std::intptr_t direction_ = 0;  // of the following page in the pool, 0 while unknown
};

}  // namespace medvec
