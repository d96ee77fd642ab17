// The embedder shuts itself in: a model is a program of somebody else, and libtorch is large.
//
//   seccomp   no new process or program, no new connection, nothing opened for writing, no changes to the file system,
//             no look into other processes. Denied calls fail with EPERM.
//   Landlock  files can be read below the model directories, and what libraries need; where the kernel has it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace medvec::embedder {

// RLIMIT_DATA (RLIMIT_AS would count what libtorch only maps), open files, no core dumps with images in them.
void LimitResources(uint64_t memory_limit);

// Read-only access below `readable` and to the system's libraries, none to any other file. Before there are threads.
// False, with errno, where the kernel does not offer it.
bool RestrictFiles(const std::vector<std::string>& readable);

// The system call filter. Sockets must be listening and other programs started before. False, with errno, on failure.
bool RestrictSystemCalls();

}  // namespace medvec::embedder
