// The socket, the main loop, and what ends the process: the supervisor's end of the lifeline, SIGTERM, the death of the
// decoders' zygote, a network that never ends.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "connection.hpp"
#include "services.hpp"
#include "unique_fd.hpp"

namespace medvec::embedder {

// A listening Unix socket at `path`, readable by us alone; a stale one is replaced. Throws std::runtime_error.
UniqueFd ListenAt(const std::string& path);

class Server {
 public:
  Server(UniqueFd listener, Services& services, DecoderZygote& zygote);

  // Serves until there is reason to end; the process's exit status. To be followed by _exit: connections and pools go
  // on running.
  int Run();

 private:
  void Watch(int fd, uint32_t events, uint64_t id);
  void Accept();
  void Remove(uint64_t id, int fd);

  UniqueFd epoll_;
  UniqueFd listener_;
  UniqueFd signals_;
  Services& services_;
  DecoderZygote& zygote_;
  std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<Connection>> connections_;
  uint64_t next_id_;
};

}  // namespace medvec::embedder
