#include "service.hpp"

#include <gtest/gtest.h>

#include "dicom_file.hpp"
#include "png.hpp"

namespace medvec::decode {
namespace {

using protocol::ErrorCode;
using protocol::RequestKind;

std::vector<std::byte> Request(RequestKind kind, const std::string& image, const std::string& spec = "{}",
                               uint32_t size = 64) {
  embedder::PayloadWriter writer;
  writer.Put(protocol::Limits{1 << 20, 0, -1});
  if (kind == RequestKind::thumbnail) {
    writer.Put(size);
  } else if (kind == RequestKind::decode) {
    writer.PutString(spec);
  }
  writer.PutString(image);
  return writer.Joined();
}

ErrorCode CodeOf(const Reply& reply) {
  EXPECT_EQ(reply.kind, protocol::ReplyKind::error);
  const std::vector<std::byte> payload = reply.payload.Joined();
  return embedder::ReadError(payload).code;
}

Reply Ask(RequestKind kind, const std::string& image, const std::string& spec = "{}", uint32_t size = 64) {
  return Answer(static_cast<uint16_t>(kind), Request(kind, image, spec, size));
}

std::string SmallPng() {
  const std::vector<uint8_t> png = EncodePng(3, 2, 1, {0, 50, 100, 150, 200, 250});
  return {png.begin(), png.end()};
}

TEST(Service, Decode) {
  const Reply reply =
      Ask(RequestKind::decode, SmallPng(), R"({"channels":1,"height":2,"width":3,"mean":[0],"std":[1]})");
  ASSERT_EQ(reply.kind, protocol::ReplyKind::ok);
  const std::vector<std::byte> payload = reply.payload.Joined();
  embedder::PayloadReader reader(payload);
  EXPECT_EQ(reader.Get<uint32_t>(), 1u);
  EXPECT_EQ(reader.Get<uint32_t>(), 2u);
  EXPECT_EQ(reader.Get<uint32_t>(), 3u);
  EXPECT_EQ(reader.Get<float>(), 0);
  EXPECT_FLOAT_EQ(reader.Get<float>(), 50 / 255.0f);
  EXPECT_EQ(reader.remaining(), 16u);
}

TEST(Service, InfoAndThumbnail) {
  const std::vector<std::byte> info = Ask(RequestKind::image_info, SmallPng()).payload.Joined();
  embedder::PayloadReader reader(info);
  std::string fields;
  for (int i = 0; i < protocol::kImageInfoFields; ++i) {
    fields += std::string(reader.GetString()) + ",";
  }
  EXPECT_EQ(fields, "png,3,2,1,8,1,,,");
  reader.ExpectEnd();

  const std::vector<std::byte> thumbnail = Ask(RequestKind::thumbnail, SmallPng(), "", 2).payload.Joined();
  embedder::PayloadReader blob(thumbnail);
  const std::span<const std::byte> png = blob.GetBlob();
  const PngInfo small = ReadPngInfo({reinterpret_cast<const uint8_t*>(png.data()), png.size()});
  EXPECT_EQ(small.width, 2);
  EXPECT_EQ(small.height, 1);
}

TEST(Service, ErrorsOfTheCaller) {
  EXPECT_EQ(CodeOf(Ask(RequestKind::decode, SmallPng(), "{\"x\":1}")), ErrorCode::bad_request);
  EXPECT_EQ(CodeOf(Ask(RequestKind::thumbnail, SmallPng(), "", 0)), ErrorCode::invalid_argument);
  EXPECT_EQ(CodeOf(Ask(RequestKind::thumbnail, SmallPng(), "", 5000)), ErrorCode::invalid_argument);
  EXPECT_EQ(CodeOf(Ask(RequestKind::dicom_header, SmallPng())), ErrorCode::unsupported);
  EXPECT_EQ(CodeOf(Answer(99, Request(RequestKind::image_info, SmallPng()))), ErrorCode::bad_request);
  const std::vector<std::byte> whole = Request(RequestKind::decode, SmallPng());
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(CodeOf(Answer(static_cast<uint16_t>(RequestKind::decode), std::span(whole).first(length))),
              ErrorCode::bad_request);
  }
}

TEST(Service, EveryCutOfAPngIsRefused) {
  const std::string png = SmallPng();
  for (size_t length = 0; length + 12 < png.size(); ++length) {  // the last chunk, IEND, has no pixels
    const ErrorCode code = CodeOf(Ask(RequestKind::decode, png.substr(0, length)));
    EXPECT_TRUE(code == ErrorCode::corrupt_image || code == ErrorCode::not_an_image) << length;
  }
}

}  // namespace
}  // namespace medvec::decode
