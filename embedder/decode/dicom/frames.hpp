// Where one frame's bytes are (PS3.5 8.1 and A.4).
#pragma once

#include "dataset.hpp"

namespace medvec::decode::dicom {

// What the Image Pixel Module says (PS3.3 C.7.6.3).
struct PixelFormat {
  int width = 0;   // Columns
  int height = 0;  // Rows
  int samples = 1;
  int bits_allocated = 0;
  int bits_stored = 0;
  int high_bit = 0;
  bool is_signed = false;
  bool planar = false;  // colour by plane
  long frames = 1;
  std::string photometric;  // Photometric Interpretation
};

// Throws corrupt_image or unsupported where it cannot be decoded by anyone; too_large by CheckSize.
PixelFormat ReadPixelFormat(Dataset& dataset, const PixelElement& pixels, uint64_t max_pixels);

// Whether two pixels share their chroma (PS3.3 C.7.6.3.1.2, YBR_*_422), in native data.
bool Subsampled(const PixelFormat& format);

// The bytes of frame `frame` of encapsulated pixel data, its fragments put together.
std::vector<uint8_t> EncapsulatedFrame(Dataset& dataset, const PixelElement& pixels, long frame, long frames);

// A frame of native pixel data, in the file's byte order. For 1-bit images the bytes that hold it, and the first bit.
Bytes NativeFrame(const PixelElement& pixels, const PixelFormat& format, long frame, int& first_bit);

}  // namespace medvec::decode::dicom
