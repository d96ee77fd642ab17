// The last steps before the network: the model's geometry, channels, mean and deviation.
#pragma once

#include <cstdint>
#include <vector>

#include "image.hpp"
#include "spec.hpp"

namespace medvec::decode {

// Where the output lies in the scaled image: output pixel (x, y) is pixel (left + x, top + y) of the image scaled to
// width x height, and background where that is outside.
struct Placement {
  int64_t width;
  int64_t height;
  int64_t left;
  int64_t top;
};

// Sizes are of the picture as shown: an aspect other than 1 makes it taller (or lower) than it has rows.
// Rounding follows torchvision's Resize (long side truncated) and CenterCrop.
Placement Place(int width, int height, double pixel_aspect, const embedder::Spec& spec);

struct Tensor {
  uint32_t channels;
  uint32_t height;
  uint32_t width;
  std::vector<float> values;  // channel after channel, rows from the top
};

// Clamped to 0..1 after resampling (bicubic overshoots), so that a model sees what 8-bit pipelines show it.
Tensor MakeTensor(const Image& image, const embedder::Spec& spec);

}  // namespace medvec::decode
