#include "model_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "log.hpp"
#include "sha256.hpp"
#include "unique_fd.hpp"

namespace medvec::embedder {

using protocol::ErrorCode;

namespace {

RequestError Missing(const std::string& path, const std::string& detail) {
  return {ErrorCode::model_missing, "the model's file \"" + path + "\" cannot be read", detail,
          "Put the file back, readable by the server's operating system user, or drop the model."};
}

FileIdentity IdentityOf(const struct stat& status) {
  auto nanoseconds = [](const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
  return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

// Empty when the path leads nowhere; errno says why.
std::string RealPath(const std::string& path) {
  char resolved[PATH_MAX];
  return realpath(path.c_str(), resolved) == nullptr ? std::string() : std::string(resolved);
}

}  // namespace

ModelDirectories::ModelDirectories(const std::vector<std::string>& directories) : anywhere_(directories.empty()) {
  for (const std::string& directory : directories) {
    std::string resolved = RealPath(directory);
    if (resolved.empty()) {
      Log("model directory \"" + directory + "\" is left out: " + std::strerror(errno));
    } else {
      resolved_.push_back(resolved);
    }
  }
}

void ModelDirectories::CheckInside(const std::string& path) const {
  if (anywhere_) return;
  std::string resolved = RealPath(path);
  if (resolved.empty()) throw Missing(path, std::string(std::strerror(errno)) + ".");
  bool inside = std::any_of(resolved_.begin(), resolved_.end(), [&](const std::string& directory) {
    return resolved.starts_with(directory) && (directory == "/" || resolved[directory.size()] == '/');
  });
  if (!inside) {
    throw RequestError(ErrorCode::model_missing, "the model's file \"" + path + "\" is outside the model directories",
                       {}, "Models are read from the bundled models' directory and from medvec.model_directory only.");
  }
}

FileIdentity ModelDirectories::Identify(const std::string& path) const {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) {
    int error = errno;
    CheckInside(path);  // what is outside may be hidden from us, and then that is the better answer
    throw Missing(path, std::string(std::strerror(error)) + ".");
  }
  return IdentityOf(status);
}

ModelFile ModelDirectories::Read(const std::string& path) const {
  CheckInside(path);
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status;
  if (!fd || fstat(fd.get(), &status) != 0) throw Missing(path, std::string(std::strerror(errno)) + ".");
  if (!S_ISREG(status.st_mode)) throw Missing(path, "It is not an ordinary file.");
  ModelFile file{Buffer(status.st_size), IdentityOf(status), {}};
  bool complete = false;
  try {
    complete = ReadExactly(fd.get(), file.bytes.writable());
  } catch (const WireError&) {
  }
  if (!complete && status.st_size > 0) throw Missing(path, "It could not be read to its end.");
  file.sha256 = Sha256Hex(file.bytes);
  return file;
}

}  // namespace medvec::embedder
