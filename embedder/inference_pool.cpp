#include "inference_pool.hpp"

#include <cstring>
#include <new>

#include "thread.hpp"

namespace medvec::embedder {

using protocol::ErrorCode;

EmbedRequest::EmbedRequest(Buffer buffer, ByteBudget::Lease lease) : ImageRequest(std::move(buffer), std::move(lease)) {
  PayloadReader reader(payload());
  limits_ = reader.Get<protocol::Limits>();
  model_path_ = reader.GetString();
  model_sha256_ = reader.GetString();
  spec_json_ = reader.GetString();
  dimensions_ = reader.Get<uint32_t>();
  uint32_t count = reader.Get<uint32_t>();
  if (count > reader.remaining() / sizeof(uint32_t)) {
    throw WireError(WireError::Cause::malformed, "payload is too short for its number of images");
  }
  images_.reserve(count);
  for (uint32_t i = 0; i < count; ++i) images_.push_back(reader.GetBlob());
  reader.ExpectEnd();
  try {
    spec_ = Spec::Parse(spec_json_);
  } catch (const SpecError& error) {
    throw RequestError(ErrorCode::model_refused, error.what(), {}, "Register the model again.");
  }
  Begin();
}

void EmbedRequest::Prepare(std::shared_ptr<Model> model, InferencePool& inference, size_t max_result_bytes) {
  size_t bytes = size_t{count()} * dimensions_ * sizeof(float);
  if (bytes > max_result_bytes) {
    throw RequestError(ErrorCode::too_large, "too many vectors for one call",
                       std::to_string(count()) + " vectors of " + std::to_string(dimensions_) + " dimensions take " +
                           std::to_string(bytes >> 20) + " MB; the limit is " + std::to_string(max_result_bytes >> 20) +
                           " MB.",
                       "Embed fewer images in one call.");
  }
  vectors_ = Buffer(bytes);
  model_ = std::move(model);
  inference_ = &inference;
}

PayloadWriter EmbedRequest::DecoderPayload(uint32_t index) const {
  PayloadWriter writer;
  writer.Put(limits_).PutString(spec_json_).PutBlobByReference(images_[index]);
  return writer;
}

void EmbedRequest::Decoded(uint32_t index, Buffer reply) {
  inference_->Push(shared_from_this(), index, std::move(reply));
}

void EmbedRequest::Infer(uint32_t index, const Buffer& decoded) {
  PayloadReader reader(decoded);
  InputShape shape;
  shape.channels = reader.Get<uint32_t>();
  shape.height = reader.Get<uint32_t>();
  shape.width = reader.Get<uint32_t>();
  if (shape != ShapeOf(spec_) || reader.remaining() != shape.size() * sizeof(float)) {
    throw RequestError(ErrorCode::internal, "the decoder gave an image of another shape than asked for");
  }
  // Three uint32 stand before the floats, so these are aligned.
  std::span<const std::byte> bytes = reader.GetBytes(reader.remaining());
  std::vector<float> vector =
      model_->Run({reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)}, spec_);
  if (vector.size() != dimensions_) {
    throw RequestError(
        ErrorCode::model_failed, "the model gave a vector of another length than registered",
        std::to_string(vector.size()) + " dimensions, registered are " + std::to_string(dimensions_) + ".");
  }
  std::memcpy(vectors_.data() + size_t{index} * dimensions_ * sizeof(float), vector.data(),
              vector.size() * sizeof(float));
}

void InferencePool::Start() {
  for (int i = 0; i < threads_; ++i) Thread(kModelStack, [this] { Run(); }).Detach();
}

void InferencePool::Run() {
  for (;;) {
    Item item = queue_.Pop();
    if (item.request->Pointless(item.image)) {
      item.request->Finish();
      continue;
    }
    try {
      {
        Watchdog::Section section(watchdog_);
        item.request->Infer(item.image, item.decoded);
      }
      ++counters_.images;
      item.request->Finish();
    } catch (const RequestError& error) {
      item.request->Fail(item.image, error);
    } catch (const std::bad_alloc&) {
      item.request->Fail(item.image, {ErrorCode::out_of_memory, "out of memory in the embedder"});
    } catch (const std::exception& error) {
      item.request->Fail(item.image, {ErrorCode::internal, "could not embed the image", error.what()});
    }
  }
}

}  // namespace medvec::embedder
