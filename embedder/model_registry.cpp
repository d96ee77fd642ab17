#include "model_registry.hpp"

#include <exception>

#include "log.hpp"
#include "thread.hpp"

namespace medvec::embedder {

using protocol::ErrorCode;

namespace {

constexpr size_t kMaxDimensions = 32767;  // of type vector

// TorchScript's parser recurses: it gets a thread with a stack for that.
template <typename Function>
auto OnModelStack(Watchdog& watchdog, Function function) {
  std::exception_ptr error;
  decltype(function()) result{};
  Thread thread(kModelStack, [&] {
    Watchdog::Section section(watchdog);
    try {
      result = function();
    } catch (...) {
      error = std::current_exception();
    }
  });
  thread.Join();
  if (error) std::rethrow_exception(error);
  return result;
}

}  // namespace

std::shared_ptr<ModelRegistry::Entry> ModelRegistry::Find(const Key& key) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<Entry>& entry = entries_[key];
  if (!entry) entry = std::make_shared<Entry>();
  entry->last_use = ++uses_;
  return entry;
}

void ModelRegistry::Store(Entry& entry, std::shared_ptr<Model> model, const FileIdentity& identity) {
  std::lock_guard lock(mutex_);
  entry.model = std::move(model);
  entry.identity = identity;
  // Entries whose loading failed leave with the first that succeeds.
  size_t loaded = 0;
  for (auto it = entries_.begin(); it != entries_.end();) {
    bool idle = !it->second->model && it->second.use_count() == 1;
    loaded += it->second->model ? 1 : 0;
    it = idle ? entries_.erase(it) : std::next(it);
  }
  for (; loaded > max_models_; --loaded) {
    auto oldest = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (!it->second->model || it->second.get() == &entry) continue;
      if (oldest == entries_.end() || it->second->last_use < oldest->second->last_use) oldest = it;
    }
    if (oldest == entries_.end()) break;
    Log("model \"" + oldest->first.path + "\" leaves memory for another");
    entries_.erase(oldest);
  }
}

std::shared_ptr<Model> ModelRegistry::Get(const std::string& path, const std::string& sha256, InputShape shape) {
  FileIdentity identity = directories_.Identify(path);
  std::shared_ptr<Entry> entry = Find({path, sha256, shape});
  std::lock_guard loading(entry->loading);
  if (entry->model && entry->identity == identity) return entry->model;

  ModelFile file = directories_.Read(path);
  if (file.sha256 != sha256) {
    throw RequestError(ErrorCode::model_changed, "the model's file \"" + path + "\" is not the one that was registered",
                       "Its SHA-256 is " + file.sha256 + ", registered is " + sha256 + ".",
                       "Put the registered file back, or register the new one under another name: vectors of "
                       "different networks cannot be compared.");
  }
  std::shared_ptr<Model> model = entry->model;
  if (!model) model = OnModelStack(watchdog_, [&] { return Model::Load(file.bytes, shape); });
  Store(*entry, model, file.identity);
  return model;
}

ModelRegistry::Inspection ModelRegistry::Inspect(const std::string& path, const std::string& json) {
  ModelFile file = directories_.Read(path);
  return OnModelStack(watchdog_, [&] {
    std::string text = json;
    if (text.find_first_not_of(" \t\r\n") == text.npos) {
      text = Model::StoredSpec(file.bytes);
      if (text.empty()) {
        throw RequestError(ErrorCode::model_refused, "the model has no preprocessing spec",
                           "None was given, and the file holds none under the name medvec.json.",
                           "Give the spec as third argument of medvec.register_model, such as '{}' for a network that "
                           "takes 224 x 224 RGB with ImageNet's mean and deviation.");
      }
    }
    Inspection inspection{file.sha256, 0, {}};
    try {
      inspection.spec = Spec::Parse(text);
    } catch (const SpecError& error) {
      throw RequestError(ErrorCode::model_refused, error.what());
    }
    InputShape shape = ShapeOf(inspection.spec);
    std::shared_ptr<Model> model = Model::Load(file.bytes, shape);
    // Of an image of nothing but zeros, and twice, since the vector of an image must not depend on what came before.
    Spec unscaled = inspection.spec;
    unscaled.l2_normalize = false;
    std::vector<float> zeros(shape.size());
    std::vector<float> first, second;
    try {
      first = model->Run(zeros, unscaled);
      second = model->Run(zeros, unscaled);
    } catch (const RequestError& error) {
      if (error.code == ErrorCode::out_of_memory) throw;
      throw RequestError(ErrorCode::model_refused, "the model fails on an empty image", error.detail);
    }
    if (first.empty() || first.size() > kMaxDimensions) {
      throw RequestError(ErrorCode::model_refused,
                         "the model's output has " + std::to_string(first.size()) + " dimensions",
                         "A vector has 1 to " + std::to_string(kMaxDimensions) + " of them.",
                         "For a network with a spatial output, set \"pool\": \"average\" in the spec.");
    }
    if (first != second) {
      throw RequestError(ErrorCode::model_refused, "the model gives different vectors for the same image",
                         "It keeps a state or depends on chance.");
    }
    inspection.dimensions = first.size();
    std::shared_ptr<Entry> entry = Find({path, file.sha256, shape});
    if (std::unique_lock loading(entry->loading, std::try_to_lock); loading) {
      Store(*entry, model, file.identity);  // what is registered is soon used
    }
    return inspection;
  });
}

std::vector<ModelRegistry::Loaded> ModelRegistry::List() {
  std::lock_guard lock(mutex_);
  std::vector<Loaded> list;
  for (const auto& [key, entry] : entries_) {
    if (!entry->model) continue;
    if (!list.empty() && list.back().path == key.path && list.back().sha256 == key.sha256) continue;
    list.push_back({key.path, key.sha256});
  }
  return list;
}

}  // namespace medvec::embedder
