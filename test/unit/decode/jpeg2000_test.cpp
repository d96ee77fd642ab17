#include <gtest/gtest.h>

#include "dicom/codecs.hpp"

namespace medvec::decode::dicom {
namespace {

// SOC, SIZ (20 x 20, 8 bits), COD with this code block style, and what follows.
std::vector<uint8_t> Stream(uint8_t style, const std::vector<uint8_t>& rest) {
  std::vector<uint8_t> stream = {0xff, 0x4f, 0xff, 0x51, 0, 41,   0,    0,  0,  0, 0, 20, 0, 0, 0, 20, 0, 0,     0, 0,
                                 0,    0,    0,    0,    0, 0,    0,    20, 0,  0, 0, 20, 0, 0, 0, 0,  0, 0,     0, 0,
                                 0,    1,    7,    1,    1, 0xff, 0x52, 0,  12, 0, 0, 0,  1, 0, 0, 4,  4, style, 1};
  for (uint8_t byte : rest) {
    stream.push_back(byte);
  }
  return stream;
}

ErrorCode CodeOf(const std::vector<uint8_t>& stream) {
  PixelFormat format;
  format.width = format.height = 20;
  format.bits_allocated = format.bits_stored = 8;
  try {
    DecodeJpeg2000(format, stream);
  } catch (const RequestError& error) {
    return error.code;
  }
  return ErrorCode{};
}

TEST(Jpeg2000, HighThroughputIsRefusedBeforeOpenJpegSeesIt) {  // whose 2.5.0 aborts on broken streams of it
  EXPECT_EQ(CodeOf(Stream(0x40, {})), ErrorCode::unsupported);
  // In the header of a tile part.
  EXPECT_EQ(CodeOf(Stream(0, {0xff, 0x90, 0,    10,   0, 0, 0, 0, 0, 40, 0, 1, 0xff, 0x53, 0, 8, 0, 0, 0, 4,
                              4,    0x40, 0xff, 0x93, 0, 0, 0, 0, 0, 0,  0, 0, 0,    0,    0, 0, 0, 0, 0, 0})),
            ErrorCode::unsupported);
}

TEST(Jpeg2000, BrokenTileLengthsEnd) {
  for (const uint8_t length : {1, 11, 12, 13, 255}) {  // 12: to the SOD marker itself
    EXPECT_EQ(CodeOf(Stream(0, {0xff, 0x90, 0, 10, 0, 0, 0, 0, 0, length, 0, 1, 0xff, 0x93, 0})),
              ErrorCode::corrupt_image);
  }
}

}  // namespace
}  // namespace medvec::decode::dicom
