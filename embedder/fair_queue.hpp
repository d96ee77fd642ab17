// Whose image is decoded next: requests take turns, one image each, so that one image of one session does not wait for
// a thousand of another. The images of a request are handed out in order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

namespace medvec::embedder {

template <typename RequestPointer>
class FairQueue {
 public:
  struct Turn {
    RequestPointer request;
    uint32_t image;
  };

  // Queues images 0 .. count - 1 of `request`.
  void Add(RequestPointer request, uint32_t count) {
    if (count == 0) return;
    {
      std::lock_guard lock(mutex_);
      waiting_.push_back({std::move(request), 0, count});
    }
    if (count == 1) {
      filled_.notify_one();
    } else {
      filled_.notify_all();
    }
  }

  Turn Take() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return !waiting_.empty(); });
    Entry entry = std::move(waiting_.front());
    waiting_.pop_front();
    Turn turn{entry.request, entry.next++};
    if (entry.next < entry.count) waiting_.push_back(std::move(entry));
    return turn;
  }

 private:
  struct Entry {
    RequestPointer request;
    uint32_t next;
    uint32_t count;
  };
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<Entry> waiting_;
};

}  // namespace medvec::embedder
