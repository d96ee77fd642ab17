// PNG by libpng: all colour types and depths, interlaced or not; of an animation, the first image.
#pragma once

#include <cstdint>
#include <vector>

#include "image.hpp"

namespace medvec::decode {

struct PngInfo {
  int width;
  int height;
  int channels;  // as stored; 3 for a palette
  int bits;      // a channel, as stored; of the palette's indices
};

PngInfo ReadPngInfo(Bytes file);

// 1, 2, 4 and 8 bits become u8, 16 bits u16. Transparency (alpha channel or tRNS) is laid over black. Gamma, ICC
// profile, text and orientation chunks are not looked at.
Image DecodePng(Bytes file, uint64_t max_pixels);

// 8-bit grey or RGB. `pixels`: height * width * channels.
std::vector<uint8_t> EncodePng(int width, int height, int channels, const std::vector<uint8_t>& pixels);

}  // namespace medvec::decode
