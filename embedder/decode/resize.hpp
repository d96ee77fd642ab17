// Separable, antialiased resampling in float32: each output pixel is the filter's weighted mean over the stretch of
// input that it covers (the filter widens by the factor of reduction), weights normalised at the borders. The same
// arithmetic as Pillow's resize on float images and torch's interpolate(antialias=True).
#pragma once

#include <cstdint>
#include <vector>

#include "image.hpp"
#include "spec.hpp"

namespace medvec::decode {

struct Box {
  int64_t x;
  int64_t y;
  int width;
  int height;
};

// The part `box` (which must lie inside) of `image` as it would be when scaled to scaled_width x scaled_height:
// box.height * box.width * channels floats, channels of a pixel together. Only what the box needs is computed.
std::vector<float> Resample(const Image& image, int64_t scaled_width, int64_t scaled_height, const Box& box,
                            embedder::Interpolation interpolation);

}  // namespace medvec::decode
