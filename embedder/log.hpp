// One line to standard error, which is the server's log. Never image content, vectors or patient data.
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>

namespace medvec::embedder {

inline void Log(std::string_view text) {
  std::string line = "medvec-embedder: ";
  for (char c : text) line.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  line.push_back('\n');
  // One write, so that lines of several threads do not mix. Nobody is left to be told when it fails.
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace medvec::embedder
