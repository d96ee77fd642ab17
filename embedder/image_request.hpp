// A client's request for one or more images, shared by the connection that waits for it and the threads that work on
// it. It owns the bytes of the images and lives until the last of them has let go.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "byte_budget.hpp"
#include "wire.hpp"

namespace medvec::embedder {

class ImageRequest {
 public:
  ImageRequest(Buffer payload, ByteBudget::Lease lease) : lease_(std::move(lease)), payload_(std::move(payload)) {}
  virtual ~ImageRequest() = default;

  // What a decoder is asked for image `index`. Refers to memory of this request.
  virtual protocol::RequestKind decoder_request() const = 0;
  virtual PayloadWriter DecoderPayload(uint32_t index) const = 0;
  // The decoder's answer. Must lead to Finish or Fail of that image, now or later. Called on a thread of the pool.
  virtual void Decoded(uint32_t index, Buffer reply) = 0;

  uint32_t count() const { return static_cast<uint32_t>(images_.size()); }
  const protocol::Limits& limits() const { return limits_; }

  // Each image ends in exactly one of these.
  void Finish();
  void Fail(uint32_t index, const RequestError& error);

  // Whether work on image `index` would be for nothing: the client has gone, or an earlier image has failed.
  bool Pointless(uint32_t index) const;

  // The client has gone.
  void Cancel();

  // Until every image has ended; throws the error of the first image that failed. False when cancelled.
  bool Wait();

 protected:
  // The part that all requests of images begin with, and the images at their end.
  protocol::Limits limits_{};
  std::vector<std::span<const std::byte>> images_;
  std::span<const std::byte> payload() const { return payload_; }
  void Begin() { unfinished_ = count(); }

 private:
  ByteBudget::Lease lease_;
  Buffer payload_;

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  uint32_t unfinished_ = 0;
  bool cancelled_ = false;
  std::optional<RequestError> error_;  // of the lowest index so far
};

// image_info, dicom_header, thumbnail: the decoder's answer is the client's.
class RelayRequest : public ImageRequest {
 public:
  RelayRequest(protocol::RequestKind kind, Buffer payload, ByteBudget::Lease lease);
  protocol::RequestKind decoder_request() const override { return kind_; }
  PayloadWriter DecoderPayload(uint32_t index) const override;
  void Decoded(uint32_t index, Buffer reply) override;

  // After Wait.
  const Buffer& reply() const { return reply_; }

 private:
  protocol::RequestKind kind_;
  Buffer reply_;
};

}  // namespace medvec::embedder
