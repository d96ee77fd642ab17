#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "bounded_queue.hpp"
#include "byte_budget.hpp"
#include "fair_queue.hpp"
#include "image_request.hpp"
#include "watchdog.hpp"

namespace medvec::embedder {
namespace {

using namespace std::chrono_literals;

TEST(FairQueue, RequestsTakeTurns) {
  FairQueue<char> queue;
  queue.Add('a', 3);
  queue.Add('b', 1);
  queue.Add('c', 2);
  queue.Add('-', 0);
  std::string order;
  for (int i = 0; i < 6; ++i) {
    auto [request, image] = queue.Take();
    order += request;
    order += static_cast<char>('0' + image);
  }
  EXPECT_EQ(order, "a0b0c0a1c1a2");
}

TEST(FairQueue, EveryImageOnceFromManyThreads) {
  FairQueue<int> queue;
  std::mutex mutex;
  std::set<std::pair<int, uint32_t>> seen;
  std::vector<std::thread> takers;
  for (int t = 0; t < 4; ++t) {
    takers.emplace_back([&] {
      for (int i = 0; i < 250; ++i) {
        auto [request, image] = queue.Take();
        std::lock_guard lock(mutex);
        EXPECT_TRUE(seen.emplace(request, image).second);
      }
    });
  }
  for (int r = 0; r < 10; ++r) queue.Add(r, 100);
  for (auto& taker : takers) taker.join();
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(BoundedQueue, PushWaitsForSpace) {
  BoundedQueue<int> queue(2);
  std::atomic<int> pushed = 0;
  std::thread producer([&] {
    for (int i = 0; i < 5; ++i) {
      queue.Push(i);
      ++pushed;
    }
  });
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(pushed, 2);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(queue.Pop(), i);
  producer.join();
}

TEST(ByteBudget, WhoGoesBeyondWaits) {
  ByteBudget budget(100);
  std::atomic<bool> taken = false;
  std::thread second;
  {
    ByteBudget::Lease first = budget.Take(60);
    second = std::thread([&] {
      ByteBudget::Lease lease = budget.Take(60);
      taken = true;
    });
    std::this_thread::sleep_for(30ms);
    EXPECT_FALSE(taken);
  }
  second.join();
  EXPECT_TRUE(taken);
}

TEST(ByteBudget, MoreThanAllOfItIsLetThroughAlone) {
  ByteBudget budget(100);
  ByteBudget::Lease huge = budget.Take(5000);
  ByteBudget::Lease moved = std::move(huge);
  huge = ByteBudget::Lease();
  moved = ByteBudget::Lease();
  budget.Take(100);
}

TEST(Watchdog, KnowsTheLongest) {
  Watchdog watchdog;
  EXPECT_EQ(watchdog.Longest(), Watchdog::Clock::duration::zero());
  auto first = std::make_unique<Watchdog::Section>(watchdog);
  std::this_thread::sleep_for(20ms);
  Watchdog::Section second(watchdog);
  EXPECT_GE(watchdog.Longest(), 20ms);
  first.reset();
  EXPECT_LT(watchdog.Longest(), 20ms);
}

class ThreeImages : public ImageRequest {
 public:
  ThreeImages() : ImageRequest(Buffer(3), {}) {
    for (size_t i = 0; i < 3; ++i) images_.push_back(payload().subspan(i, 1));
    Begin();
  }
  protocol::RequestKind decoder_request() const override { return protocol::RequestKind::decode; }
  PayloadWriter DecoderPayload(uint32_t) const override { return {}; }
  void Decoded(uint32_t, Buffer) override {}
};

RequestError ErrorNumber(int number) { return {protocol::ErrorCode::corrupt_image, std::to_string(number)}; }

TEST(ImageRequest, EndsWithItsLastImage) {
  ThreeImages request;
  std::thread worker([&] {
    for (int i = 0; i < 3; ++i) request.Finish();
  });
  EXPECT_TRUE(request.Wait());
  worker.join();
}

TEST(ImageRequest, TheFirstImageThatFailsIsReported) {
  ThreeImages request;
  request.Fail(2, ErrorNumber(2));
  EXPECT_FALSE(request.Pointless(0));
  EXPECT_FALSE(request.Pointless(1));
  request.Fail(1, ErrorNumber(1));
  EXPECT_TRUE(request.Pointless(2));
  request.Finish();
  try {
    request.Wait();
    FAIL();
  } catch (const RequestError& error) {
    EXPECT_EQ(error.message, "1");
    EXPECT_EQ(error.image, 1u);
  }
}

TEST(ImageRequest, CancelEndsTheWait) {
  ThreeImages request;
  std::thread client([&] { request.Cancel(); });
  EXPECT_FALSE(request.Wait());
  client.join();
  EXPECT_TRUE(request.Pointless(0));
  for (int i = 0; i < 3; ++i) request.Finish();  // what was in work still ends
}

}  // namespace
}  // namespace medvec::embedder
