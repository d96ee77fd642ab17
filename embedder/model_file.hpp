// A model's file: found, allowed, read once. What is hashed and what is loaded are the same bytes in memory, so that
// nobody can exchange the file in between.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "wire.hpp"

namespace medvec::embedder {

// A file on disk as stat sees it. Equal identities: not changed in between, as far as can be told without reading.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  int64_t size = -1;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

struct ModelFile {
  Buffer bytes;
  FileIdentity identity;
  std::string sha256;
};

class ModelDirectories {
 public:
  // Directories that are not there yet are left out. None given: models may lie anywhere.
  explicit ModelDirectories(const std::vector<std::string>& directories);

  const std::vector<std::string>& resolved() const { return resolved_; }
  bool anywhere() const { return anywhere_; }

  // Throw RequestError (model_missing).
  FileIdentity Identify(const std::string& path) const;
  ModelFile Read(const std::string& path) const;

 private:
  void CheckInside(const std::string& path) const;

  std::vector<std::string> resolved_;
  bool anywhere_;
};

}  // namespace medvec::embedder
