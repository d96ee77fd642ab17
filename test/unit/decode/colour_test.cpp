#include "dicom/colour.hpp"

#include <gtest/gtest.h>

namespace medvec::decode::dicom {
namespace {

std::vector<int> Convert(ColourModel model, std::vector<uint8_t> samples) {
  PixelFormat format;
  format.width = static_cast<int>(samples.size() / 3);
  format.height = 1;
  format.samples = 3;
  const Image image = ColourImage(format, {std::move(samples), 8, 8, model});
  return {image.data(), image.data() + image.size_bytes()};
}

TEST(Colour, YbrFull) {  // PS3.3 C.7.6.3.1.2 inverted
  EXPECT_EQ(Convert(ColourModel::ybr_full, {255, 128, 128}), (std::vector<int>{255, 255, 255}));
  EXPECT_EQ(Convert(ColourModel::ybr_full, {76, 85, 255}), (std::vector<int>{254, 0, 0}));
  EXPECT_EQ(Convert(ColourModel::rgb, {1, 2, 3}), (std::vector<int>{1, 2, 3}));
}

TEST(Colour, YbrPartial) {
  EXPECT_EQ(Convert(ColourModel::ybr_partial, {16, 128, 128, 235, 128, 128}),
            (std::vector<int>{0, 0, 0, 255, 255, 255}));
}

TEST(Colour, FewerBitsAreSpread) {
  PixelFormat format;
  format.width = format.height = 1;
  format.samples = 3;
  const Image image = ColourImage(format, {{0xff, 0x0f, 0xff, 0x07, 0, 0}, 16, 12, ColourModel::rgb});
  EXPECT_EQ(image.row<uint16_t>(0)[0], 65535);
  EXPECT_EQ(image.row<uint16_t>(0)[1], 32759);  // 2047 / 4095
  EXPECT_EQ(image.row<uint16_t>(0)[2], 0);
}

TEST(Palette, Segments) {  // PS3.3 C.7.9.2
  // Discrete 2 of 10, 20; linear of 4 to 60; indirect: 1 segment from byte 0 again.
  const std::vector<uint16_t> words = {0, 2, 10, 20, 1, 4, 60, 2, 1, 0, 0};
  EXPECT_EQ(ExpandSegments(words, 100), (std::vector<uint16_t>{10, 20, 30, 40, 50, 60, 10, 20}));
  EXPECT_EQ(ExpandSegments(words, 3).size(), 3u);
  EXPECT_THROW(ExpandSegments({0, 5, 1}, 100), RequestError);              // cut off
  EXPECT_THROW(ExpandSegments({1, 5, 1}, 100), RequestError);              // linear from nothing
  EXPECT_THROW(ExpandSegments({0, 1, 7, 2, 1, 6, 0}, 100), RequestError);  // points to itself
  EXPECT_THROW(ExpandSegments({9, 1, 7}, 100), RequestError);
  EXPECT_TRUE(ExpandSegments({}, 100).empty());
}

}  // namespace
}  // namespace medvec::decode::dicom
