// The command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace medvec::embedder {

struct Options {
  std::string socket;                          // path of the Unix socket, possibly relative to the working directory
  std::string decoder;                         // path of medvec-decoder
  int threads = 0;                             // of inference, and as many decoders; default: processors we may use
  uint64_t memory_limit = 0;                   // bytes of RLIMIT_DATA; 0: none
  uint64_t decoder_memory_limit = 0;           // bytes, handed to each decoder; 0: its own default
  std::vector<std::string> model_directories;  // where models may lie; none given: anywhere
  int max_models = 8;                          // kept in memory

  // What requests of all connections together may hold.
  uint64_t request_bytes() const;
};

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Throws UsageError.
Options ParseOptions(int argc, char** argv);

extern const char kUsage[];

}  // namespace medvec::embedder
