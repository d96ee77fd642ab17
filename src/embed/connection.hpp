// One backend's connection to the embedder: found or started on demand, kept between statements, waited on so that
// cancel and statement_timeout end the wait at once.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "embed/protocol.hpp"

namespace medvec::embed {

struct Reply {
  protocol::ReplyKind kind;
  std::span<const char> payload;  // in the memory context of the caller
};

// Sends `request` (the pieces of its payload, in order; they may be written over) and waits for the reply.
// Starts the embedder where it does not run; where a kept connection turns out to be dead, or the embedder dies, the
// request is sent once more. Errors: 58P01 not installed, 58000 cannot be started or died twice, 08P01 protocol.
Reply Call(protocol::RequestKind kind, std::span<const iovec> request);

// As Call, where the embedder already runs and answers within two seconds; otherwise an empty payload and kind error.
// Never starts it, never raises an error for its absence.
Reply CallIfRunning(protocol::RequestKind kind, std::span<const iovec> request);

// Called once, when the library is loaded.
void RegisterConnectionCallbacks();

}  // namespace medvec::embed
