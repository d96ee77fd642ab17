#include "exif.hpp"

#include <cstring>
#include <utility>

namespace medvec::decode {
namespace {

// Reads of a TIFF structure in either byte order; past the end reads as 0, which no valid value below is.
struct Tiff {
  Bytes bytes;
  bool big_endian;

  uint32_t U16(size_t at) const {
    if (at + 2 > bytes.size()) {
      return 0;
    }
    return big_endian ? bytes[at] << 8 | bytes[at + 1] : bytes[at + 1] << 8 | bytes[at];
  }
  uint32_t U32(size_t at) const { return big_endian ? U16(at) << 16 | U16(at + 2) : U16(at + 2) << 16 | U16(at); }
};

template <typename Pixel>
void Turn(const Image& in, int orientation, Image& out) {
  const int w = in.width();
  const int h = in.height();
  const auto* source = reinterpret_cast<const Pixel*>(in.data());
  auto* target = reinterpret_cast<Pixel*>(out.data());
  for (int y = 0; y < out.height(); ++y) {
    for (int x = 0; x < out.width(); ++x) {
      int sx = x;
      int sy = y;
      if (orientation >= 5) {
        std::swap(sx, sy);
      }
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) {
        sx = w - 1 - sx;
      }
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) {
        sy = h - 1 - sy;
      }
      target[static_cast<size_t>(y) * out.width() + x] = source[static_cast<size_t>(sy) * w + sx];
    }
  }
}

struct Rgb8 {
  uint8_t c[3];
};

}  // namespace

int ExifOrientation(Bytes block) {
  constexpr uint8_t kSignature[6] = {'E', 'x', 'i', 'f', 0, 0};
  if (block.size() < 14 || std::memcmp(block.data(), kSignature, sizeof kSignature) != 0) {
    return 1;
  }
  Tiff tiff = {block.subspan(6), false};
  if (tiff.bytes[0] == 'M' && tiff.bytes[1] == 'M') {
    tiff.big_endian = true;
  } else if (tiff.bytes[0] != 'I' || tiff.bytes[1] != 'I') {
    return 1;
  }
  const size_t directory = tiff.U32(4);
  const uint32_t entries = tiff.U16(2) == 42 ? tiff.U16(directory) : 0;
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + size_t{12} * i;
    if (entry + 12 > tiff.bytes.size()) {
      break;
    }
    constexpr uint32_t kOrientation = 0x0112, kShort = 3;
    if (tiff.U16(entry) == kOrientation) {
      const uint32_t value = tiff.U16(entry + 8);
      return tiff.U16(entry + 2) == kShort && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
  }
  return 1;
}

Image Upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) {
    return image;
  }
  const bool swapped = orientation >= 5;
  Image turned(swapped ? image.height() : image.width(), swapped ? image.width() : image.height(), image.channels(),
               image.sample());
  if (image.channels() == 1) {
    Turn<uint8_t>(image, orientation, turned);
  } else {
    Turn<Rgb8>(image, orientation, turned);
  }
  return turned;
}

}  // namespace medvec::decode
