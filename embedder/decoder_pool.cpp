#include "decoder_pool.hpp"

#include <poll.h>

#include <chrono>
#include <new>

#include "thread.hpp"

namespace medvec::embedder {

using protocol::ErrorCode;
using protocol::ReplyKind;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

// A decoder that leaks a little, or whose heap has grown ragged, is not kept for ever. A fork costs about a
// millisecond.
constexpr int kImagesPerDecoder = 1000;
// What a decoder gets beyond its own time limit, before it is killed.
constexpr milliseconds kGrace{1000};
// An answer's size is limited by what the largest network input takes (4096 x 4096 x 3 floats), and a thumbnail or a
// header stays below that.
constexpr size_t kMaxReply = (size_t{4096} * 4096 * 3 * sizeof(float)) + 4096;

// An idle decoder says nothing: anything to be read is its end.
bool Ended(const DecoderChild& child) {
  pollfd poll_fd{child.socket.get(), POLLIN, 0};
  return poll(&poll_fd, 1, 0) != 0;
}

RequestError TimeoutError(uint32_t timeout_ms) {
  return {ErrorCode::timeout,
          "decoding the image took longer than allowed",
          "The time limit of one image is " + std::to_string(timeout_ms) + " ms.",
          {}};
}

RequestError DeathError() {
  return {ErrorCode::decoder_died, "the image decoder died on this image",
          "It was a process of its own, and has been replaced. Nothing else was affected.",
          "The image is probably damaged. If it is not, please report the error with the image."};
}

}  // namespace

void DecoderPool::Start(int count) {
  for (int i = 0; i < count; ++i) Thread(kConnectionStack, [this] { Run(); }).Detach();
}

void DecoderPool::Submit(std::shared_ptr<ImageRequest> request) {
  uint32_t count = request->count();
  queue_.Add(std::move(request), count);
}

void DecoderPool::Discard(DecoderChild& child) {
  if (child.socket) --counters_.decoders;
  child = DecoderChild{};
}

void DecoderPool::Run() {
  DecoderChild child;
  int served = 0;
  for (;;) {
    auto [request, image] = queue_.Take();
    if (request->Pointless(image)) {
      request->Finish();
      continue;
    }
    try {
      if (child.socket && (served >= kImagesPerDecoder || Ended(child))) Discard(child);
      std::optional<Buffer> reply;
      while (!reply) {
        if (!child.socket) {
          child = zygote_.Fork();
          ++counters_.decoders;
          served = 0;
        }
        reply = Decode(child, *request, image);
        // What an image before this one broke is no fault of this one's: only a new decoder's death is.
        if (!reply && served == 0) throw DeathError();
        ++served;
      }
      request->Decoded(image, std::move(*reply));
    } catch (const RequestError& error) {
      request->Fail(image, error);
    } catch (const std::bad_alloc&) {
      Discard(child);  // its answer may be half read
      request->Fail(image, {ErrorCode::out_of_memory, "out of memory in the embedder"});
    } catch (const std::exception& error) {
      Discard(child);
      request->Fail(image, {ErrorCode::internal, "could not talk to the image decoder", error.what()});
    }
  }
}

std::optional<Buffer> DecoderPool::Decode(DecoderChild& child, const ImageRequest& request, uint32_t image) {
  const uint32_t timeout_ms = request.limits().timeout_ms;
  const Clock::time_point start = Clock::now();
  // The decoder's own clock starts when it has read the request.
  const Deadline deadline = timeout_ms == 0 ? Deadline() : Deadline(start + milliseconds(timeout_ms) + kGrace);
  try {
    WriteFrame(child.socket.get(), request.decoder_request(), image, request.DecoderPayload(image), deadline);
    std::optional<Frame> reply = ReadFrame(child.socket.get(), kMaxReply, deadline);
    if (!reply) throw WireError(WireError::Cause::closed, "the decoder ended");
    if (reply->header.id != image) throw WireError(WireError::Cause::malformed, "the decoder answered something else");
    if (reply->header.kind == static_cast<uint16_t>(ReplyKind::error)) throw ReadError(reply->payload);
    return std::move(reply->payload);
  } catch (const WireError& error) {
    if (error.cause() == WireError::Cause::closed || error.cause() == WireError::Cause::timed_out) {
      if (error.cause() == WireError::Cause::timed_out) zygote_.Kill(child);
      ++counters_.decoder_deaths;
      Discard(child);
      if (timeout_ms > 0 && Clock::now() - start >= milliseconds(timeout_ms)) throw TimeoutError(timeout_ms);
      return std::nullopt;
    }
    throw;  // a decoder that talks nonsense: Run replaces it
  }
}

}  // namespace medvec::embedder
