// How many bytes of requests the embedder holds at once. Who would go beyond waits; a request larger than the whole
// budget is let through when it is alone, so that nothing waits for ever.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>

namespace medvec::embedder {

class ByteBudget {
 public:
  explicit ByteBudget(size_t total) : total_(total) {}

  // Bytes taken, given back on destruction.
  class Lease {
   public:
    Lease() = default;
    Lease(ByteBudget* budget, size_t bytes) : budget_(budget), bytes_(bytes) {}
    Lease(Lease&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Lease& operator=(Lease&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Lease() {
      if (budget_ != nullptr) budget_->Return(bytes_);
    }

   private:
    ByteBudget* budget_ = nullptr;
    size_t bytes_ = 0;
  };

  Lease Take(size_t bytes) {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [&] { return used_ == 0 || used_ + bytes <= total_; });
    used_ += bytes;
    return {this, bytes};
  }

 private:
  void Return(size_t bytes) {
    {
      std::lock_guard lock(mutex_);
      used_ -= bytes;
    }
    returned_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable returned_;
  const size_t total_;
  size_t used_ = 0;
};

}  // namespace medvec::embedder
