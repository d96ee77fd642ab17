#include "tensor.hpp"

#include <algorithm>
#include <cmath>

#include "resize.hpp"

namespace medvec::decode {

Placement Place(int width, int height, double pixel_aspect, const embedder::Spec& spec) {
  const double shown_width = width;
  const double shown_height = height * pixel_aspect;
  switch (spec.resize) {
    case embedder::ResizeMode::stretch:
      return {spec.width, spec.height, 0, 0};
    case embedder::ResizeMode::letterbox: {
      const double scale = std::min(spec.width / shown_width, spec.height / shown_height);
      const int64_t w = std::clamp<int64_t>(std::llround(shown_width * scale), 1, spec.width);
      const int64_t h = std::clamp<int64_t>(std::llround(shown_height * scale), 1, spec.height);
      return {w, h, -((spec.width - w) / 2), -((spec.height - h) / 2)};
    }
    case embedder::ResizeMode::crop:
      break;
  }
  const double shorter = std::min(shown_width, shown_height);
  const double scale =
      spec.shorter_side ? *spec.shorter_side / shorter : std::max(spec.width / shown_width, spec.height / shown_height);
  // The epsilon keeps the side that defines the scale from being truncated by one.
  const int64_t w = std::max<int64_t>(spec.width, static_cast<int64_t>(shown_width * scale + 1e-6));
  const int64_t h = std::max<int64_t>(spec.height, static_cast<int64_t>(shown_height * scale + 1e-6));
  // CenterCrop rounds half to even, as Python does.
  return {w, h, static_cast<int64_t>(std::nearbyint((w - spec.width) / 2.0)),
          static_cast<int64_t>(std::nearbyint((h - spec.height) / 2.0))};
}

Tensor MakeTensor(const Image& image, const embedder::Spec& spec) {
  const Placement place = Place(image.width(), image.height(), image.pixel_aspect, spec);
  Box box = {std::max<int64_t>(place.left, 0), std::max<int64_t>(place.top, 0), 0, 0};
  box.width = static_cast<int>(std::min<int64_t>(spec.width, place.width - box.x));
  box.height = static_cast<int>(std::min<int64_t>(spec.height, place.height - box.y));
  const int left = static_cast<int>(std::max<int64_t>(-place.left, 0));
  const int top = static_cast<int>(std::max<int64_t>(-place.top, 0));
  std::vector<float> shown = Resample(image, place.width, place.height, box, spec.interpolation);
  for (float& value : shown) {
    value = std::clamp(value, 0.0f, 1.0f);
  }

  Tensor tensor = {
      static_cast<uint32_t>(spec.channels), static_cast<uint32_t>(spec.height), static_cast<uint32_t>(spec.width), {}};
  const size_t plane = static_cast<size_t>(spec.height) * spec.width;
  tensor.values.resize(plane * spec.channels);
  const int in_channels = image.channels();
  for (int c = 0; c < spec.channels; ++c) {
    float* out = tensor.values.data() + plane * c;
    const float mean = static_cast<float>(spec.mean[c]);
    const float deviation = static_cast<float>(spec.std[c]);
    std::fill(out, out + plane, (0.0f - mean) / deviation);
    for (int y = 0; y < box.height; ++y) {
      const float* in = shown.data() + static_cast<size_t>(y) * box.width * in_channels;
      float* row = out + static_cast<size_t>(top + y) * spec.width + left;
      for (int x = 0; x < box.width; ++x, in += in_channels) {
        float value = in[in_channels == spec.channels ? c : 0];
        if (in_channels == 3 && spec.channels == 1) {
          value = 0.299f * in[0] + 0.587f * in[1] + 0.114f * in[2];  // ITU-R BT.601
        }
        row[x] = (value - mean) / deviation;
      }
    }
  }
  return tensor;
}

}  // namespace medvec::decode
