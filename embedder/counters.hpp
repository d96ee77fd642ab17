// What `status` tells.
#pragma once

#include <atomic>
#include <cstdint>

namespace medvec::embedder {

struct Counters {
  std::atomic<uint64_t> requests{0};        // of any kind, answered or not
  std::atomic<uint64_t> images{0};          // embedded
  std::atomic<uint64_t> errors{0};          // error replies
  std::atomic<uint64_t> decoder_deaths{0};  // decoders that ended before they answered
  std::atomic<uint64_t> decoders{0};        // alive
};

}  // namespace medvec::embedder
