// One frame of compressed pixel data to stored values.
#pragma once

#include "frames.hpp"

namespace medvec::decode::dicom {

enum class ColourModel { grey, palette, rgb, ybr_full, ybr_partial };

struct StoredFrame {
  std::vector<uint8_t> bytes;  // little endian, colour by pixel, 1, 2 or 4 bytes a sample
  int bits_allocated = 0;
  int bits_stored = 0;  // in the low bits
  ColourModel colour = ColourModel::grey;
};

// What Photometric Interpretation says. Throws unsupported for HSV, ARGB, CMYK.
ColourModel ColourOf(const PixelFormat& format);

// JPEG and JPEG-LS by DCMTK. The size inside the stream must be the data set's. Of lossy JPEG the stream's own
// markers (Adobe, JFIF, component names), where it has any, decide between RGB and YCbCr; Photometric Interpretation is
// often wrong after transcoding.
StoredFrame DecodeWithDcmtk(const PixelFormat& format, const TransferSyntax& syntax, std::vector<uint8_t> stream);

StoredFrame DecodeRle(const PixelFormat& format, Bytes stream);

// JPEG 2000 by OpenJPEG, raw codestream or JP2 file.
StoredFrame DecodeJpeg2000(const PixelFormat& format, Bytes stream);

}  // namespace medvec::decode::dicom
