// From a request's payload to a reply's: the decoder's side of the protocol, without sockets.
#pragma once

#include "wire.hpp"

namespace medvec::decode {

struct Reply {
  protocol::ReplyKind kind;
  embedder::PayloadWriter payload;
};

// Never throws but for want of memory for an error's few bytes: failures become ReplyKind::error.
Reply Answer(uint16_t kind, std::span<const std::byte> payload);

}  // namespace medvec::decode
