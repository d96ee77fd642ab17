// What backends and the supervisor know of the embedder: a small struct in shared memory, made on first use, so that
// medvec needs no shared_preload_libraries.
#pragma once

#include "pg/process.hpp"

namespace medvec::embed {

enum class Phase : int32_t {
  stopped,   // no supervisor
  starting,  // the program runs and does not listen yet
  running,
  waiting,  // it ended, the supervisor waits before it starts the next
};

// Every field is protected by `lock`.
struct SharedState {
  LWLock lock;
  int tranche;                // of `lock`, to be registered by every process
  ConditionVariable changed;  // broadcast when phase or failed_starts changes
  Phase phase;
  pid_t supervisor;         // 0: none
  pid_t embedder;           // 0: none
  TimestampTz launched_at;  // when a backend last asked for a supervisor; 0: it has come up, or could not
  TimestampTz started_at;   // of the present embedder
  int64 starts;             // embedders that came to listen, since the server started
  int64 deaths;             // embedders that ended without being told to
  int64 failed_starts;      // embedders that ended before they listened
  char last_exit[256];      // how the last one ended, a clause without full stop; empty: none did
};

// The struct; attached on first call in a process. Errors: 53200 where shared memory has no room left for it.
SharedState* Shared();

// Relative to the data directory, the working directory of every server process: the length of a socket's path is
// limited to about 100 bytes.
inline constexpr char kDirectory[] = "medvec";
inline constexpr char kSocketPath[] = "medvec/embedder.sock";

// True where the file can be executed; `path` is the setting's, or beside the server's program.
bool FindEmbedder(char (&path)[MAXPGPATH], char (&decoder_path)[MAXPGPATH]);

}  // namespace medvec::embed
