#include "image_request.hpp"

namespace medvec::embedder {

void ImageRequest::Finish() {
  std::lock_guard lock(mutex_);
  if (--unfinished_ == 0) ended_.notify_all();
}

void ImageRequest::Fail(uint32_t index, const RequestError& error) {
  std::lock_guard lock(mutex_);
  if (!error_ || index < error_->image) {
    error_.emplace(error);
    error_->image = index;
  }
  if (--unfinished_ == 0) ended_.notify_all();
}

bool ImageRequest::Pointless(uint32_t index) const {
  std::lock_guard lock(mutex_);
  return cancelled_ || (error_ && error_->image < index);
}

void ImageRequest::Cancel() {
  std::lock_guard lock(mutex_);
  cancelled_ = true;
  ended_.notify_all();
}

bool ImageRequest::Wait() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return cancelled_ || unfinished_ == 0; });
  if (cancelled_) return false;
  if (error_) throw *error_;
  return true;
}

RelayRequest::RelayRequest(protocol::RequestKind kind, Buffer buffer, ByteBudget::Lease lease)
    : ImageRequest(std::move(buffer), std::move(lease)), kind_(kind) {
  // The decoder checks the rest; the limits are needed here for the second line of the time limit.
  limits_ = PayloadReader(payload()).Get<protocol::Limits>();
  images_.push_back(payload());
  Begin();
}

PayloadWriter RelayRequest::DecoderPayload(uint32_t) const {
  PayloadWriter writer;
  writer.PutBytesByReference(payload());
  return writer;
}

void RelayRequest::Decoded(uint32_t, Buffer reply) {
  reply_ = std::move(reply);
  Finish();
}

}  // namespace medvec::embedder
