// Serving over sockets: one connection, or a parent that forks a child per connection.
#pragma once

#include "sandbox.hpp"

namespace medvec::decode {

// Answers the requests that come on `fd` until it is closed; then 0. Other than 0 where the stream cannot be used on.
// A request that takes longer than its Limits::timeout_ms ends the process by SIGALRM.
int ServeConnection(int fd);

// The zygote. Each message on `control` (Unix SOCK_SEQPACKET) carries one stream socket (SCM_RIGHTS); a child is
// forked, sandboxed and serves it, and the message is answered by its pid (int32), or by -errno where there could be
// none. A message that carries an int32 instead names a child to kill; it is not answered. Children end with this
// process. Returns 0 when `control` is closed.
int ServeControl(int control, const SandboxLimits& limits, bool sandboxed);

}  // namespace medvec::decode
