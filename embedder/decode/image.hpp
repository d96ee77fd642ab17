// A decoded picture, ready for geometry: grey or RGB, upright, after DICOM's own transformations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wire.hpp"

namespace medvec::decode {

using embedder::RequestError;
using protocol::ErrorCode;
using Bytes = std::span<const uint8_t>;

enum class Sample : uint8_t { u8 = 1, u16 = 2, f32 = 4 };  // bytes each

// Rows from top to bottom, pixels from left to right, channels of a pixel together. u8 stands for 0..255, u16 for
// 0..65535, f32 for 0..1; kept narrow until geometry reads a row, because the picture may be large.
class Image {
 public:
  Image() = default;
  Image(int width, int height, int channels, Sample sample)
      : width_(width),
        height_(height),
        channels_(channels),
        sample_(sample),
        data_(static_cast<size_t>(width) * height * channels * static_cast<size_t>(sample)) {}

  int width() const { return width_; }
  int height() const { return height_; }
  int channels() const { return channels_; }  // 1 or 3
  Sample sample() const { return sample_; }
  size_t row_samples() const { return static_cast<size_t>(width_) * channels_; }
  size_t row_bytes() const { return row_samples() * static_cast<size_t>(sample_); }
  uint8_t* data() { return data_.data(); }
  const uint8_t* data() const { return data_.data(); }
  size_t size_bytes() const { return data_.size(); }
  template <typename T>
  T* row(int y) {
    return reinterpret_cast<T*>(data_.data() + row_bytes() * y);
  }
  template <typename T>
  const T* row(int y) const {
    return reinterpret_cast<const T*>(data_.data() + row_bytes() * y);
  }

  // Row `y` as row_samples() floats in 0..1.
  void ReadRow(int y, float* out) const;

  // Height of a pixel over its width as it should be shown.
  double pixel_aspect = 1;

 private:
  int width_ = 0;
  int height_ = 0;
  int channels_ = 0;
  Sample sample_ = Sample::u8;
  std::vector<uint8_t> data_;
};

// Throws too_large unless 0 < width * height <= max_pixels and both sides are at most 2^20.
void CheckSize(uint64_t width, uint64_t height, uint64_t max_pixels);

}  // namespace medvec::decode
