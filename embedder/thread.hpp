// Threads with a stack of a chosen size, which std::thread does not offer. Stacks count against the memory limit, and
// there may be hundreds of connections.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <system_error>

namespace medvec::embedder {

inline constexpr size_t kConnectionStack = 256 << 10;  // reads, waits and writes
inline constexpr size_t kModelStack = 16 << 20;        // TorchScript's parser and interpreter recurse

class Thread {
 public:
  // Throws std::system_error when there can be none.
  Thread(size_t stack, std::function<void()> body) {
    auto owned = std::make_unique<std::function<void()>>(std::move(body));
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack);
    int error = pthread_create(&handle_, &attributes, &Run, owned.get());
    pthread_attr_destroy(&attributes);
    if (error != 0) throw std::system_error(error, std::generic_category(), "pthread_create");
    owned.release();
  }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  void Join() { pthread_join(handle_, nullptr); }
  void Detach() { pthread_detach(handle_); }

 private:
  static void* Run(void* body) {
    std::unique_ptr<std::function<void()>> owned(static_cast<std::function<void()>*>(body));
    (*owned)();
    return nullptr;
  }
  pthread_t handle_;
};

}  // namespace medvec::embedder
