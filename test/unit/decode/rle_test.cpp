#include <gtest/gtest.h>

#include "dicom/codecs.hpp"

namespace medvec::decode::dicom {
namespace {

std::vector<uint8_t> Stream(const std::vector<std::vector<uint8_t>>& segments) {
  std::vector<uint8_t> stream(64);
  stream[0] = static_cast<uint8_t>(segments.size());
  for (size_t i = 0; i < segments.size(); ++i) {
    stream[4 + 4 * i] = static_cast<uint8_t>(stream.size());
    stream.insert(stream.end(), segments[i].begin(), segments[i].end());
  }
  return stream;
}

PixelFormat Format(int width, int allocated) {
  PixelFormat format;
  format.width = width;
  format.height = 1;
  format.bits_allocated = format.bits_stored = allocated;
  return format;
}

TEST(Rle, RunsLiteralsAndMostSignificantByteFirst) {  // PS3.5 G.3
  const StoredFrame frame = DecodeRle(Format(4, 16), Stream({{0xfd, 1}, {128, 1, 10, 20, 0xff, 30}}));
  EXPECT_EQ(frame.bytes, (std::vector<uint8_t>{10, 1, 20, 1, 30, 1, 30, 1}));
}

TEST(Rle, BrokenStreamsAreRefused) {
  const std::vector<uint8_t> good = Stream({{0xfd, 1}, {3, 1, 2, 3, 4}});
  EXPECT_NO_THROW(DecodeRle(Format(4, 16), good));
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_THROW(DecodeRle(Format(4, 16), Bytes(good).first(length)), RequestError) << length;
  }
  EXPECT_THROW(DecodeRle(Format(4, 8), good), RequestError);   // another number of segments
  EXPECT_THROW(DecodeRle(Format(5, 16), good), RequestError);  // more pixels
  for (const size_t at : {4, 8}) {
    for (const uint8_t offset : {0, 63, 255}) {  // offsets that leave the stream, which DCMTK 3.6.7 follows
      std::vector<uint8_t> bad = good;
      bad[at] = offset;
      EXPECT_THROW(DecodeRle(Format(4, 16), bad), RequestError);
    }
  }
}

}  // namespace
}  // namespace medvec::decode::dicom
