// What the connections share.
#pragma once

#include "byte_budget.hpp"
#include "counters.hpp"
#include "decoder_pool.hpp"
#include "decoder_zygote.hpp"
#include "inference_pool.hpp"
#include "model_registry.hpp"
#include "options.hpp"
#include "watchdog.hpp"

namespace medvec::embedder {

struct Services {
  Services(const Options& options, ModelDirectories directories, DecoderZygote& zygote)
      : options(options),
        small_requests(options.request_bytes() / 4),
        large_requests(options.request_bytes() - options.request_bytes() / 4),
        models(std::move(directories), options.max_models, watchdog),
        decoders(zygote, counters),
        inference(options.threads, counters, watchdog) {}

  const Options& options;
  Counters counters;
  Watchdog watchdog;
  // Bytes of requests held at once. Apart, so that one image does not wait for the end of a gigabyte of them.
  ByteBudget small_requests;
  ByteBudget large_requests;
  ModelRegistry models;
  DecoderPool decoders;
  InferencePool inference;
};

// The JSON object of RequestKind::status.
std::string StatusJson(Services& services);

}  // namespace medvec::embedder
