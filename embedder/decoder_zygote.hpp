// The process decoders are forked from: medvec-decoder --control. It is started before the embedder shuts itself in,
// since afterwards the embedder can start nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <string>

#include "unique_fd.hpp"

namespace medvec::embedder {

// A decoder at the other end of a stream socket. Closing the socket ends it.
struct DecoderChild {
  UniqueFd socket;
  pid_t pid = 0;
};

class DecoderZygote {
 public:
  // Starts `program`; memory_limit 0: its own default. Throws std::runtime_error.
  DecoderZygote(const std::string& program, uint64_t memory_limit);

  // A new decoder. Throws RequestError (internal) when there can be none now.
  DecoderChild Fork();

  // Kills a decoder that does not end by itself. The zygote does it, for its own children only, so that the embedder
  // need not be able to send signals.
  void Kill(const DecoderChild& child);

  // Reports POLLHUP when the zygote has died.
  int control() const { return control_.get(); }

 private:
  UniqueFd control_;
  std::mutex mutex_;  // one Fork at a time: the socket answers in order
};

}  // namespace medvec::embedder
