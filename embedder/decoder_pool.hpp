// Threads that each hold at most one decoder and put requests' images through it.
#pragma once

#include <memory>
#include <optional>

#include "counters.hpp"
#include "decoder_zygote.hpp"
#include "fair_queue.hpp"
#include "image_request.hpp"

namespace medvec::embedder {

class DecoderPool {
 public:
  DecoderPool(DecoderZygote& zygote, Counters& counters) : zygote_(zygote), counters_(counters) {}

  // Starts `count` threads, which run as long as the process.
  void Start(int count);

  // All images of `request`; each ends by Decoded, Fail or, where it is pointless, Finish.
  void Submit(std::shared_ptr<ImageRequest> request);

 private:
  void Run();
  // The decoder's answer for one image; nothing where it died, and is discarded. Throws RequestError.
  std::optional<Buffer> Decode(DecoderChild& child, const ImageRequest& request, uint32_t image);
  void Discard(DecoderChild& child);

  DecoderZygote& zygote_;
  Counters& counters_;
  FairQueue<std::shared_ptr<ImageRequest>> queue_;
};

}  // namespace medvec::embedder
