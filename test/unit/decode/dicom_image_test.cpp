#include <gtest/gtest.h>

#include "decoder.hpp"
#include "dicom_file.hpp"

namespace medvec::decode {
namespace {

constexpr protocol::Limits kLimits = {1 << 20, 0, -1};

std::vector<float> Show(const std::string& file, int frame = -1, std::optional<embedder::Window> window = {}) {
  const Image image = DecodeImage(AsBytes(file), {kLimits.max_pixels, 0, frame}, embedder::FrameChoice::first, window);
  std::vector<float> out(image.row_samples() * image.height());
  for (int y = 0; y < image.height(); ++y) {
    image.ReadRow(y, out.data() + image.row_samples() * y);
  }
  return out;
}

void ExpectNear(const std::vector<float>& ours, const std::vector<double>& expected) {
  ASSERT_EQ(ours.size(), expected.size());
  for (size_t i = 0; i < ours.size(); ++i) {
    EXPECT_NEAR(ours[i], expected[i], 1e-6) << i;
  }
}

ErrorCode CodeOf(const std::string& file, protocol::Limits limits = kLimits) {
  try {
    DecodeImage(AsBytes(file), limits);
  } catch (const RequestError& error) {
    return error.code;
  }
  return ErrorCode{};
}

TEST(DicomImage, WithoutWindowMinimumToMaximum) {
  ExpectNear(Show(DicomFile().Grey(4, 1, 16, 12).Pixels<uint16_t>({100, 150, 300, 200}).WithPreamble()),
             {0, 0.25, 1, 0.5});
}

TEST(DicomImage, SignIsInTheStoredBits) {  // 0x0fff of 12 bits is -1, whatever is above
  ExpectNear(Show(DicomFile().Grey(4, 1, 16, 12, true).Pixels<uint16_t>({0x0fff, 0xffff, 1, 0}).WithPreamble()),
             {0, 0, 1, 0.5});
}

TEST(DicomImage, BitsAboveAndBelowAreNotPixels) {
  DicomFile file;
  file.Short(0x00280002, 1)
      .Element(0x00280004, "CS", "MONOCHROME2")
      .Short(0x00280010, 1)
      .Short(0x00280011, 2)
      .Short(0x00280100, 16)
      .Short(0x00280101, 8)
      .Short(0x00280102, 11)
      .Short(0x00280103, 0)
      .Element(0x00281050, "DS", "127.5")
      .Element(0x00281051, "DS", "255")
      .Element(0x00281056, "CS", "LINEAR_EXACT")
      .Pixels<uint16_t>({0xf80f, 0x0ff0});
  ExpectNear(Show(file.WithPreamble()), {128 / 255.0, 1});
}

TEST(DicomImage, Monochrome1IsInvertedAfterTheWindow) {
  DicomFile file;
  file.Grey(3, 1, 8, 8, false, "MONOCHROME1")
      .Element(0x00281050, "DS", "100")
      .Element(0x00281051, "DS", "50")
      .Element(0x00281056, "CS", "LINEAR_EXACT")
      .Pixels<uint8_t>({75, 100, 130});
  ExpectNear(Show(file.WithPreamble()), {1, 0.5, 0});
}

TEST(DicomImage, PaddingIsBackgroundAndOutsideTheRange) {
  DicomFile file;
  file.Grey(4, 1, 16, 16, true, "MONOCHROME1")
      .Short(0x00280120, -2000, "SS")
      .Pixels<uint16_t>({static_cast<uint16_t>(-2000), 0, 100, 50});
  ExpectNear(Show(file.WithPreamble()), {0, 1, 0, 0.5});
  DicomFile range;
  range.Grey(4, 1, 16, 16).Short(0x00280120, 10).Short(0x00280121, 20).Pixels<uint16_t>({9, 10, 20, 21});
  ExpectNear(Show(range.WithPreamble()), {0, 0, 0, 1});
}

TEST(DicomImage, RecordedWindowInsteadOfTheFiles) {
  DicomFile file;
  file.Grey(3, 1, 16, 16)
      .Element(0x00281050, "DS", "5")
      .Element(0x00281051, "DS", "2")
      .Element(0x00281052, "DS", "-1024")
      .Element(0x00281053, "DS", "1")
      .Pixels<uint16_t>({864, 1064, 1264});
  ExpectNear(Show(file.WithPreamble(), -1, embedder::Window{40, 400}), {0, 0.5, 1});
}

TEST(DicomImage, FirstOfSeveralWindowsAndVoiLut) {
  DicomFile file;
  file.Grey(2, 1, 8, 8)
      .Element(0x00281050, "DS", "50\\1")
      .Element(0x00281051, "DS", "101\\1")
      .Pixels<uint8_t>({0, 100});
  ExpectNear(Show(file.WithPreamble()), {0.005, 1});
  DicomFile lut;
  lut.Element(0x00283002, "US", DicomFile::Raw<uint16_t>({3, 1, 12}))
      .Element(0x00283006, "US", DicomFile::Raw<uint16_t>({0, 1365, 4095}));
  DicomFile with_lut;
  with_lut.Grey(4, 1, 8, 8)
      .Element(0x00281050, "DS", "50")
      .Element(0x00281051, "DS", "10")
      .Sequence(0x00283010, lut)
      .Pixels<uint8_t>({0, 2, 3, 200});
  ExpectNear(Show(with_lut.WithPreamble()), {0, 1 / 3.0, 1, 1});
}

TEST(DicomImage, FramesAndFunctionalGroups) {
  DicomFile voi, macro, groups;
  voi.Element(0x00281050, "DS", "10").Element(0x00281051, "DS", "20").Element(0x00281056, "CS", "LINEAR_EXACT");
  macro.Sequence(0x00289132, voi);
  DicomFile file;
  file.Element(0x00280008, "IS", "3")
      .Grey(2, 1, 8, 8)
      .Sequence(0x52009229, macro)
      .Pixels<uint8_t>({0, 5, 10, 15, 20, 25});
  ExpectNear(Show(file.WithPreamble(), 0), {0, 0.25});
  ExpectNear(Show(file.WithPreamble(), 1), {0.5, 0.75});
  ExpectNear(Show(file.WithPreamble(), 2), {1, 1});
  EXPECT_EQ(CodeOf(file.WithPreamble(), {1000, 0, 3}), ErrorCode::invalid_argument);
}

TEST(DicomImage, OneBitFramesFollowWithoutGap) {  // PS3.5 8.1.1: the first pixel is the lowest bit
  DicomFile file;
  file.Element(0x00280008, "IS", "2").Grey(3, 1, 1, 1).Pixels<uint8_t>({0b00110'101, 0});
  ExpectNear(Show(file.WithPreamble(), 0), {1, 0, 1});
  ExpectNear(Show(file.WithPreamble(), 1), {0, 1, 1});
}

TEST(DicomImage, PlanarColour) {
  DicomFile file;
  file.Short(0x00280002, 3)
      .Element(0x00280004, "CS", "RGB")
      .Short(0x00280006, 1)
      .Short(0x00280010, 1)
      .Short(0x00280011, 2)
      .Short(0x00280100, 8)
      .Short(0x00280101, 8)
      .Short(0x00280102, 7)
      .Short(0x00280103, 0)
      .Pixels<uint8_t>({255, 0, 51, 102, 0, 255});
  ExpectNear(Show(file.WithPreamble()), {1, 0.2, 0, 0, 0.4, 1});
}

TEST(DicomImage, FloatPixels) {
  DicomFile file;
  file.Short(0x00280002, 1)
      .Element(0x00280004, "CS", "MONOCHROME2")
      .Short(0x00280010, 1)
      .Short(0x00280011, 4)
      .Short(0x00280100, 32)
      .Element(0x7fe00008, "OF", DicomFile::Raw<float>({-1.5f, 0.5f, std::numeric_limits<float>::quiet_NaN(), 2.5f}));
  ExpectNear(Show(file.WithPreamble()), {0, 0.5, 0, 1});
}

TEST(DicomImage, ContradictionsAreNoCrash) {
  DicomFile one_bit;  // chroma of two pixels, of one bit, of one sample
  one_bit.Grey(3, 1, 1, 1, false, "YBR_FULL_422").Pixels<uint8_t>({1, 0});
  EXPECT_EQ(CodeOf(one_bit.WithPreamble()), ErrorCode{});
  DicomFile colour_of_doubles;
  colour_of_doubles.Short(0x00280002, 3)
      .Element(0x00280004, "CS", "RGB")
      .Short(0x00280010, 1)
      .Short(0x00280011, 1)
      .Element(0x7fe00009, "OW", std::string(24, 'x'));
  EXPECT_EQ(CodeOf(colour_of_doubles.WithPreamble()), ErrorCode::unsupported);
  DicomFile raw;  // uncompressed under a compressed transfer syntax
  raw.Grey(2, 1, 8, 8).Pixels<uint8_t>({1, 2});
  EXPECT_EQ(CodeOf(raw.WithPreamble("1.2.840.10008.1.2.4.50")), ErrorCode::corrupt_image);
  EXPECT_EQ(CodeOf(raw.WithPreamble("1.2.840.10008.1.2.4.201")), ErrorCode::unsupported);
  EXPECT_EQ(CodeOf(raw.WithPreamble("1.2.840.113619.5.2")), ErrorCode::unsupported);
  DicomFile frames;
  frames.Element(0x00280008, "IS", "2147483647").Grey(2, 1, 8, 8).Pixels<uint8_t>({1, 2});
  EXPECT_EQ(CodeOf(frames.WithPreamble(), {uint64_t{1} << 40, 0, 2147483646}), ErrorCode::corrupt_image);
  DicomFile infinite;
  infinite.Grey(3, 1, 16, 16)
      .Element(0x00281052, "DS", "-1e308")
      .Element(0x00281053, "DS", "1e306")
      .Pixels<uint16_t>({0, 1000, 65535});
  for (float value : Show(infinite.WithPreamble())) {
    EXPECT_TRUE(value >= 0 && value <= 1);
  }
}

TEST(DicomImage, PixelAspect) {
  auto aspect = [](const char* spacing) {
    DicomFile file;
    file.Short(0x00280002, 1)
        .Element(0x00280004, "CS", "MONOCHROME2")
        .Short(0x00280010, 1)
        .Short(0x00280011, 1)
        .Element(0x00280030, "DS", spacing)
        .Short(0x00280100, 8)
        .Short(0x00280101, 8)
        .Short(0x00280102, 7)
        .Short(0x00280103, 0)
        .Pixels<uint8_t>({1});
    return DecodeImage(AsBytes(file.WithPreamble()), kLimits).pixel_aspect;
  };
  EXPECT_DOUBLE_EQ(aspect("2\\1"), 2);  // row spacing first: pixels twice as high as wide
  EXPECT_EQ(aspect("0.5\\0.5"), 1);
  EXPECT_EQ(aspect("1000\\1"), 1);  // not believed
  EXPECT_EQ(aspect("0\\1"), 1);
  EXPECT_EQ(aspect("x\\y"), 1);
}

TEST(DicomImage, Refusals) {
  EXPECT_EQ(CodeOf(DicomFile().Element(0x00080060, "CS", "SR").WithPreamble()), ErrorCode::unsupported);
  EXPECT_EQ(CodeOf(DicomFile().Grey(1000, 1000, 8, 8).Pixels<uint8_t>({1}).WithPreamble(), {999'999, 0, -1}),
            ErrorCode::too_large);
  EXPECT_EQ(CodeOf(DicomFile().Grey(1000, 1000, 8, 8).Pixels<uint8_t>({1}).WithPreamble()), ErrorCode::corrupt_image);
  EXPECT_EQ(CodeOf(DicomFile().Grey(1, 1, 12, 12).Pixels<uint16_t>({1}).WithPreamble()), ErrorCode::unsupported);
  EXPECT_EQ(CodeOf(DicomFile().Grey(1, 1, 8, 12).Pixels<uint8_t>({1}).WithPreamble()), ErrorCode::corrupt_image);
  EXPECT_EQ(CodeOf(DicomFile().Grey(0, 1, 8, 8).Pixels<uint8_t>({1}).WithPreamble()), ErrorCode::corrupt_image);
  EXPECT_EQ(CodeOf("not an image at all, only text"), ErrorCode::not_an_image);
  EXPECT_EQ(CodeOf(""), ErrorCode::not_an_image);
}

}  // namespace
}  // namespace medvec::decode
