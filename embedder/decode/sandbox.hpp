// What a process that reads strangers' files gives up before the first of them.
#pragma once

#include <cstdint>

namespace medvec::decode {

struct SandboxLimits {
  uint64_t memory_bytes = uint64_t{2} << 30;  // address space; 0: as it is
};

// Resource limits (address space, no core files, no new descriptors, no written files), no new privileges, and a system
// call filter: what is not needed for computing and for the open socket is answered EPERM, above all opening files,
// sockets, programs and other processes. Threads are not needed and not allowed.
// Returns false when the kernel or the container has no such filter; the limits hold all the same.
bool EnterSandbox(const SandboxLimits& limits);

}  // namespace medvec::decode
