// A network that never ends cannot be stopped from outside its thread. The watchdog knows since when each is running;
// the main loop ends the process when one has run far too long, and the supervisor starts it again.
#pragma once

#include <chrono>
#include <list>
#include <mutex>
#include <optional>

namespace medvec::embedder {

class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;

  class Section {
   public:
    explicit Section(Watchdog& watchdog) : watchdog_(watchdog) {
      std::lock_guard lock(watchdog_.mutex_);
      entry_ = watchdog_.running_.insert(watchdog_.running_.end(), Clock::now());
    }
    ~Section() {
      std::lock_guard lock(watchdog_.mutex_);
      watchdog_.running_.erase(entry_);
    }
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;

   private:
    Watchdog& watchdog_;
    std::list<Clock::time_point>::iterator entry_;
  };

  // How long the longest has been running; zero when none is.
  Clock::duration Longest() {
    std::lock_guard lock(mutex_);
    return running_.empty() ? Clock::duration::zero() : Clock::now() - running_.front();  // in order of their start
  }

 private:
  std::mutex mutex_;
  std::list<Clock::time_point> running_;
};

}  // namespace medvec::embedder
