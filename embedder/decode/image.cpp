#include "image.hpp"

#include <cstring>

namespace medvec::decode {

void Image::ReadRow(int y, float* out) const {
  const size_t count = row_samples();
  switch (sample_) {
    case Sample::u8: {
      const uint8_t* in = row<uint8_t>(y);
      for (size_t i = 0; i < count; ++i) {
        out[i] = in[i] * (1.0f / 255.0f);
      }
      break;
    }
    case Sample::u16: {
      const uint16_t* in = row<uint16_t>(y);
      for (size_t i = 0; i < count; ++i) {
        out[i] = in[i] * (1.0f / 65535.0f);
      }
      break;
    }
    case Sample::f32:
      std::memcpy(out, row<float>(y), count * sizeof(float));
      break;
  }
}

void CheckSize(uint64_t width, uint64_t height, uint64_t max_pixels) {
  if (width == 0 || height == 0) {
    throw RequestError(ErrorCode::corrupt_image, "image has no pixels",
                       "Its size is given as " + std::to_string(width) + " x " + std::to_string(height) + ".");
  }
  constexpr uint64_t kMaxSide = 1 << 20;
  if (width > kMaxSide || height > kMaxSide || width * height > max_pixels) {
    throw RequestError(
        ErrorCode::too_large, "image of " + std::to_string(width) + " x " + std::to_string(height) + " is too large",
        "The limit is " + std::to_string(max_pixels) + " pixels and " + std::to_string(kMaxSide) + " on a side.");
  }
}

}  // namespace medvec::decode
