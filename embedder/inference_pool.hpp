// Threads that each run one image through its network at a time. Why no batches: docs/decisions/0003.
#pragma once

#include <memory>

#include "bounded_queue.hpp"
#include "counters.hpp"
#include "image_request.hpp"
#include "model.hpp"
#include "spec.hpp"
#include "watchdog.hpp"

namespace medvec::embedder {

class InferencePool;

// A request for the vectors of images: decoded by the decoder pool, then run by the inference pool.
class EmbedRequest : public ImageRequest, public std::enable_shared_from_this<EmbedRequest> {
 public:
  // Takes the payload apart. Throws WireError (malformed).
  EmbedRequest(Buffer payload, ByteBudget::Lease lease);

  const std::string& model_path() const { return model_path_; }
  const std::string& model_sha256() const { return model_sha256_; }
  const Spec& spec() const { return spec_; }

  // To be called before the images are submitted. Throws RequestError (too_large, out_of_memory).
  void Prepare(std::shared_ptr<Model> model, InferencePool& inference, size_t max_result_bytes);

  protocol::RequestKind decoder_request() const override { return protocol::RequestKind::decode; }
  PayloadWriter DecoderPayload(uint32_t index) const override;
  void Decoded(uint32_t index, Buffer reply) override;
  // Runs the network on what a decoder answered. Called by the inference pool.
  void Infer(uint32_t index, const Buffer& decoded);

  uint32_t dimensions() const { return dimensions_; }
  // count * dimensions floats, after Wait.
  const Buffer& vectors() const { return vectors_; }

 private:
  std::string model_path_;
  std::string model_sha256_;
  std::string spec_json_;
  Spec spec_;
  uint32_t dimensions_ = 0;
  std::shared_ptr<Model> model_;
  InferencePool* inference_ = nullptr;
  Buffer vectors_;
};

class InferencePool {
 public:
  // The queue holds what the threads run during about two images' time, so that none idles for want of a decoder.
  InferencePool(int threads, Counters& counters, Watchdog& watchdog)
      : threads_(threads), counters_(counters), watchdog_(watchdog), queue_(2 * static_cast<size_t>(threads)) {}

  // Starts the threads, which run as long as the process.
  void Start();

  // Waits while too many decoded images are in memory.
  void Push(std::shared_ptr<EmbedRequest> request, uint32_t image, Buffer decoded) {
    queue_.Push({std::move(request), image, std::move(decoded)});
  }

 private:
  struct Item {
    std::shared_ptr<EmbedRequest> request;
    uint32_t image;
    Buffer decoded;
  };
  void Run();

  const int threads_;
  Counters& counters_;
  Watchdog& watchdog_;
  BoundedQueue<Item> queue_;
};

}  // namespace medvec::embedder
