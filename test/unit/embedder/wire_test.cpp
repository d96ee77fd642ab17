#include "wire.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <numeric>
#include <thread>

#include "unique_fd.hpp"

namespace medvec::embedder {
namespace {

using protocol::ErrorCode;
using protocol::FrameHeader;
using protocol::ReplyKind;
using protocol::RequestKind;
using Cause = WireError::Cause;

class Wire : public ::testing::Test {
 protected:
  Wire() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    here_ = UniqueFd(ends[0]);
    there_ = UniqueFd(ends[1]);
  }
  int here() const { return here_.get(); }
  int there() const { return there_.get(); }

  void SendRaw(const void* bytes, size_t size) { ASSERT_EQ(write(here(), bytes, size), static_cast<ssize_t>(size)); }
  void SendHeader(FrameHeader header) { SendRaw(&header, sizeof(header)); }

  static Cause CauseOf(auto function) {
    try {
      function();
    } catch (const WireError& error) {
      return error.cause();
    }
    ADD_FAILURE() << "no WireError";
    return Cause::system;
  }

  UniqueFd here_;
  UniqueFd there_;
};

Deadline Soon() { return std::chrono::steady_clock::now() + std::chrono::milliseconds(50); }

TEST_F(Wire, FrameOfManyPartsArrivesWhole) {
  std::vector<std::byte> large(5'000'000);
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::byte>(i * 7 >> 3);
  PayloadWriter payload;
  payload.Put(uint32_t{42}).PutString("spec").PutBlobByReference(large).PutString("").Put(1.5f);
  for (int i = 0; i < 3000; ++i) payload.PutBytesByReference(std::span(large).subspan(i, 2));  // beyond IOV_MAX
  std::thread writer([&] { WriteFrame(here(), RequestKind::embed, 9, payload); });
  std::optional<Frame> frame = ReadFrame(there(), protocol::kMaxPayload);
  writer.join();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->header.id, 9u);
  EXPECT_EQ(frame->header.kind, static_cast<uint16_t>(RequestKind::embed));
  EXPECT_EQ(frame->payload.size(), payload.size());
  std::vector<std::byte> joined = payload.Joined();
  EXPECT_EQ(std::memcmp(joined.data(), frame->payload.data(), joined.size()), 0);

  PayloadReader reader(frame->payload);
  EXPECT_EQ(reader.Get<uint32_t>(), 42u);
  EXPECT_EQ(reader.GetString(), "spec");
  EXPECT_EQ(reader.GetBlob().size(), large.size());
  EXPECT_EQ(reader.GetString(), "");
  EXPECT_EQ(reader.Get<float>(), 1.5f);
  EXPECT_EQ(reader.remaining(), 6000u);
  EXPECT_EQ(CauseOf([&] { reader.ExpectEnd(); }), Cause::malformed);
}

TEST_F(Wire, EndBetweenFramesIsNoError) {
  here_.reset();
  EXPECT_FALSE(ReadHeader(there()));
}

TEST_F(Wire, EndInsideAFrame) {
  SendHeader({protocol::kMagic, protocol::kVersion, 1, 1, 100});
  SendRaw("abc", 3);
  here_.reset();
  EXPECT_EQ(CauseOf([&] { ReadFrame(there(), 1000); }), Cause::closed);
}

TEST_F(Wire, EndInsideAHeader) {
  SendRaw("MVE", 3);
  here_.reset();
  EXPECT_EQ(CauseOf([&] { ReadHeader(there()); }), Cause::closed);
}

TEST_F(Wire, WrongMagic) {
  SendHeader({0x12345678, protocol::kVersion, 1, 1, 0});
  EXPECT_EQ(CauseOf([&] { ReadHeader(there()); }), Cause::malformed);
}

TEST_F(Wire, LengthsAboveTheLimits) {
  SendHeader({protocol::kMagic, protocol::kVersion, 1, 1, 0xffffffff});
  EXPECT_EQ(CauseOf([&] { ReadHeader(there()); }), Cause::too_long);
  SendHeader({protocol::kMagic, protocol::kVersion, 1, 1, 1001});
  EXPECT_EQ(CauseOf([&] { ReadFrame(there(), 1000); }), Cause::too_long);
}

TEST_F(Wire, OtherVersionIsTheCallersToAnswer) {
  SendHeader({protocol::kMagic, 77, 1, 5, 0});
  std::optional<FrameHeader> header = ReadHeader(there());
  ASSERT_TRUE(header);
  EXPECT_EQ(header->version, 77);
  EXPECT_EQ(VersionMismatch(*header).code, ErrorCode::version_mismatch);
}

TEST_F(Wire, DeadlinesOfReadingAndWriting) {
  EXPECT_EQ(CauseOf([&] { ReadHeader(there(), Soon()); }), Cause::timed_out);
  std::vector<std::byte> large(50'000'000);
  PayloadWriter payload;
  payload.PutBytesByReference(large);
  EXPECT_EQ(CauseOf([&] { WriteFrame(here(), ReplyKind::ok, 1, payload, Soon()); }), Cause::timed_out);
}

TEST_F(Wire, WritingToNobodyRaisesNoSignal) {
  there_.reset();
  EXPECT_EQ(CauseOf([&] { WriteFrame(here(), ReplyKind::ok, 1, PayloadWriter()); }), Cause::closed);
}

TEST_F(Wire, PayloadsThatLieAboutTheirLengths) {
  PayloadWriter writer;
  writer.Put(uint32_t{1000}).Put(uint32_t{0});
  std::vector<std::byte> bytes = writer.Joined();
  PayloadReader reader(bytes);
  EXPECT_EQ(CauseOf([&] { reader.GetBlob(); }), Cause::malformed);
  PayloadReader empty(std::span<const std::byte>{});
  EXPECT_EQ(CauseOf([&] { empty.Get<protocol::Limits>(); }), Cause::malformed);
}

TEST_F(Wire, ErrorsTravel) {
  RequestError error(ErrorCode::too_large, "too large", "Detail.", "Hint.", 12);
  RequestError back = ReadError(ErrorPayload(error).Joined());
  EXPECT_EQ(back.code, ErrorCode::too_large);
  EXPECT_EQ(back.image, 12u);
  EXPECT_EQ(back.message, "too large");
  EXPECT_EQ(back.detail, "Detail.");
  EXPECT_EQ(back.hint, "Hint.");
}

TEST_F(Wire, ErrorTextsAreCleanedAndCut) {
  auto cleaned = [](std::string text) {
    return ReadError(ErrorPayload({ErrorCode::internal, std::move(text)}).Joined()).message;
  };
  EXPECT_EQ(cleaned("Größe \xe2\x82\xac"), "Größe \xe2\x82\xac");
  EXPECT_EQ(cleaned("a\xff\xc0\x80z"), "a???z");
  EXPECT_EQ(cleaned("\xed\xa0\x80"), "???");       // a surrogate
  EXPECT_EQ(cleaned("\xf4\x90\x80\x80"), "????");  // beyond Unicode
  EXPECT_EQ(cleaned("cut \xe2\x82"), "cut ??");    // ends in the middle
  EXPECT_EQ(cleaned(std::string("a\0b", 3)), "a?b");
  EXPECT_LE(cleaned(std::string(100'000, 'x')).size(), 2004u);
}

}  // namespace
}  // namespace medvec::embedder
