// Colour frames to RGB (PS3.3 C.7.6.3.1.2, C.7.9).
#pragma once

#include "codecs.hpp"
#include "dataset.hpp"

namespace medvec::decode::dicom {

// Three samples a pixel of 8 or 16 bits allocated, by pixel. Spread over the full range where fewer bits are stored.
Image ColourImage(const PixelFormat& format, const StoredFrame& frame);

// One index a pixel into the palette of the data set, discrete or segmented.
Image PaletteImage(Dataset& dataset, const PixelFormat& format, const StoredFrame& frame);

// Expands Segmented Palette Color Lookup Table Data (PS3.3 C.7.9.2); throws corrupt_image. At most `limit` entries.
std::vector<uint16_t> ExpandSegments(const std::vector<uint16_t>& words, size_t limit);

}  // namespace medvec::decode::dicom
