// The networks in memory: one copy of each, whatever the number of sessions, the least recently used leaving first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "model.hpp"
#include "model_file.hpp"
#include "watchdog.hpp"

namespace medvec::embedder {

class ModelRegistry {
 public:
  struct Loaded {
    std::string path;
    std::string sha256;
  };

  ModelRegistry(ModelDirectories directories, size_t max_models, Watchdog& watchdog)
      : directories_(std::move(directories)), max_models_(max_models), watchdog_(watchdog) {}

  // The network in file `path`, whose hash must be `sha256`. The file is looked at on each call, and read and hashed
  // again when it is not what it was. Concurrent calls for one network load it once.
  // Throws RequestError: model_missing, model_changed, model_refused, out_of_memory.
  std::shared_ptr<Model> Get(const std::string& path, const std::string& sha256, InputShape shape);

  struct Inspection {
    std::string sha256;
    uint32_t dimensions;
    Spec spec;
  };
  // What registering `path` needs to know. `spec`: JSON; blank: the one stored in the file.
  // Throws RequestError: model_missing, model_refused, out_of_memory.
  Inspection Inspect(const std::string& path, const std::string& spec);

  std::vector<Loaded> List();

 private:
  struct Key {
    std::string path;
    std::string sha256;
    InputShape shape;
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    std::mutex loading;
    // Below: guarded by `loading`; `model` is written under both mutexes.
    std::shared_ptr<Model> model;
    FileIdentity identity;
    // Guarded by the registry's mutex.
    uint64_t last_use = 0;
  };

  std::shared_ptr<Entry> Find(const Key& key);
  void Store(Entry& entry, std::shared_ptr<Model> model, const FileIdentity& identity);

  ModelDirectories directories_;
  const size_t max_models_;
  Watchdog& watchdog_;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<Entry>> entries_;
  uint64_t uses_ = 0;
};

}  // namespace medvec::embedder
