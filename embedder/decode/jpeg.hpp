// JPEG by libjpeg-turbo: 8-bit baseline, extended, progressive and arithmetic.
#pragma once

#include <cstdint>

#include "image.hpp"

namespace medvec::decode {

struct JpegInfo {
  int width;  // upright, after EXIF orientation
  int height;
  int channels;
  int bits;
};

JpegInfo ReadJpegInfo(Bytes file);

// Grey, or RGB from YCbCr, RGB, CMYK and YCCK (inverted where Adobe's marker is present, as Adobe writes them), turned
// upright by EXIF. ICC profiles are not applied. A file whose compressed data are damaged or end early is refused: half
// a picture must not become a vector. (A missing end marker after complete data is forgiven.)
Image DecodeJpeg(Bytes file, uint64_t max_pixels);

}  // namespace medvec::decode
