#include "exif.hpp"

#include <gtest/gtest.h>

#include <string>

#include "dicom_file.hpp"

namespace medvec::decode {
namespace {

using namespace std::string_literals;

std::string Little(char orientation) {
  return "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"s + orientation + "\0\0\0"s;
}

TEST(Exif, BothByteOrders) {
  const std::string big = "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"s;
  EXPECT_EQ(ExifOrientation(AsBytes(big)), 6);
  EXPECT_EQ(ExifOrientation(AsBytes(Little(8))), 8);
}

TEST(Exif, MalformedBlocksAreUpright) {
  const std::string good = Little(6);
  for (size_t length = 0; length + 2 < good.size(); ++length) {  // the last two bytes are padding of the value
    EXPECT_EQ(ExifOrientation(AsBytes(good.substr(0, length))), 1) << length;
  }
  EXPECT_EQ(ExifOrientation(AsBytes(Little(0))), 1);
  EXPECT_EQ(ExifOrientation(AsBytes(Little(9))), 1);
  std::string far = good;
  far[10] = far[11] = far[12] = far[13] = '\xff';  // offset of the directory
  EXPECT_EQ(ExifOrientation(AsBytes(far)), 1);
  std::string many = good;
  many[14] = many[15] = '\xff';  // entries
  many[16] = 0;
  EXPECT_EQ(ExifOrientation(AsBytes(many)), 1);
}

TEST(Exif, UprightMovesTheFirstPixelWhereTheStandardSays) {
  Image image(3, 2, 1, Sample::u8);
  for (int i = 0; i < 6; ++i) {
    image.data()[i] = static_cast<uint8_t>(i);
  }
  // Rows of the result, EXIF 2.3 table of orientations: where row 0 and column 0 are.
  const std::vector<std::vector<uint8_t>> expected = {{0, 1, 2, 3, 4, 5}, {2, 1, 0, 5, 4, 3}, {5, 4, 3, 2, 1, 0},
                                                      {3, 4, 5, 0, 1, 2}, {0, 3, 1, 4, 2, 5}, {3, 0, 4, 1, 5, 2},
                                                      {5, 2, 4, 1, 3, 0}, {2, 5, 1, 4, 0, 3}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image upright = Upright(image, orientation);
    EXPECT_EQ(upright.width(), orientation < 5 ? 3 : 2);
    EXPECT_EQ(std::vector<uint8_t>(upright.data(), upright.data() + 6), expected[orientation - 1]) << orientation;
  }
}

}  // namespace
}  // namespace medvec::decode
