// The processes: children of the zygote, the sandbox, the limits.
#include "serve.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "dicom_file.hpp"
#include "png.hpp"
#include "wire.hpp"

namespace medvec::decode {
namespace {

using protocol::ErrorCode;
using protocol::ReplyKind;
using protocol::RequestKind;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

class Zygote {
 public:
  explicit Zygote(const SandboxLimits& limits) {
    int pair[2];
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
    pid_ = fork();
    if (pid_ == 0) {
      close(pair[0]);
      _exit(ServeControl(pair[1], limits, !kSanitized));
    }
    close(pair[1]);
    control_ = pair[0];
  }
  ~Zygote() {
    if (control_ >= 0) {
      Close();
    }
  }
  int Close() {
    close(control_);
    control_ = -1;
    int status = -1;
    waitpid(pid_, &status, 0);
    return status;
  }

  // The connection to a new child.
  int Child(int32_t* pid = nullptr) {
    int pair[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    char byte = 'c';
    iovec part = {&byte, 1};
    alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = ancillary;
    message.msg_controllen = sizeof ancillary;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &pair[1], sizeof(int));
    EXPECT_EQ(sendmsg(control_, &message, 0), 1);
    close(pair[1]);
    int32_t answer = 0;
    EXPECT_EQ(recv(control_, &answer, sizeof answer, 0), 4);
    EXPECT_GT(answer, 0);
    if (pid != nullptr) {
      *pid = answer;
    }
    return pair[0];
  }

 private:
  int control_ = -1;
  pid_t pid_ = -1;
};

std::string SmallPng() {
  const std::vector<uint8_t> png = EncodePng(3, 2, 1, {0, 50, 100, 150, 200, 250});
  return {png.begin(), png.end()};
}

// Nothing where the connection ends without an answer.
std::optional<embedder::Frame> Ask(int fd, const std::string& image, uint32_t timeout_ms = 0,
                                   uint64_t max_pixels = 1 << 20) {
  embedder::PayloadWriter request;
  request.Put(protocol::Limits{max_pixels, timeout_ms, -1}).Put(uint32_t{64}).PutString(image);
  try {
    embedder::WriteFrame(fd, RequestKind::thumbnail, 5, request);
    return embedder::ReadFrame(fd, protocol::kMaxPayload);
  } catch (const embedder::WireError&) {
    return {};
  }
}

TEST(Serve, SeveralRequestsOfSeveralChildren) {
  Zygote zygote({});
  const int first = zygote.Child();
  const int second = zygote.Child();
  for (int fd : {first, second, first}) {
    const auto reply = Ask(fd, SmallPng());
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->header.kind, static_cast<uint16_t>(ReplyKind::ok));
    EXPECT_EQ(reply->header.id, 5u);
  }
  close(first);
  close(second);
  EXPECT_EQ(zygote.Close(), 0);
}

TEST(Serve, TimeoutEndsTheChildAndNotTheZygote) {
  Zygote zygote({});
  const std::vector<uint8_t> noise(3000 * 3000, 7);
  const std::vector<uint8_t> png = EncodePng(3000, 3000, 1, noise);
  int fd = zygote.Child();
  EXPECT_FALSE(Ask(fd, {png.begin(), png.end()}, 1, 1 << 24));
  close(fd);
  fd = zygote.Child();
  EXPECT_TRUE(Ask(fd, SmallPng(), 5000));
  close(fd);
}

TEST(Serve, MemoryLimitIsAnError) {
  if (kSanitized) {
    GTEST_SKIP() << "a sanitized build has no address space limit";
  }
  Zygote zygote({uint64_t{300} << 20});
  const int fd = zygote.Child();
  // One bit a pixel in the file, four bytes a pixel to show it: 15000 x 15000 are 28 MB and 900 MB.
  const std::string file =
      DicomFile().Grey(15000, 15000, 1, 1).Pixels(std::vector<uint8_t>(15000 * 1875)).WithPreamble();
  const auto reply = Ask(fd, file, 0, 1 << 28);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->header.kind, static_cast<uint16_t>(ReplyKind::error));
  EXPECT_EQ(embedder::ReadError(reply->payload).code, ErrorCode::out_of_memory);
  EXPECT_TRUE(Ask(fd, SmallPng()));  // and the child lives
  close(fd);
}

TEST(Serve, ChildrenEndWithTheZygote) {
  auto zygote = std::make_unique<Zygote>(SandboxLimits{});
  int32_t pid = 0;
  const int fd = zygote->Child(&pid);
  ASSERT_TRUE(Ask(fd, SmallPng()));
  zygote.reset();
  char byte;
  EXPECT_EQ(read(fd, &byte, 1), 0);  // the other end is gone
  close(fd);
}

TEST(Serve, AnotherVersionIsAnswered) {
  Zygote zygote({});
  const int fd = zygote.Child();
  const protocol::FrameHeader header = {protocol::kMagic, protocol::kVersion + 1, 3, 9, 0};
  EXPECT_EQ(write(fd, &header, sizeof header), static_cast<ssize_t>(sizeof header));
  const auto reply = embedder::ReadFrame(fd, 1 << 16);
  ASSERT_TRUE(reply);
  EXPECT_EQ(embedder::ReadError(reply->payload).code, ErrorCode::version_mismatch);
  close(fd);
}

TEST(Sandbox, WhatIsGivenUp) {
  if (kSanitized) {
    GTEST_SKIP() << "the sanitizer's own calls would fail";
  }
  const pid_t pid = fork();
  if (pid == 0) {
    const bool filter = EnterSandbox({uint64_t{1} << 30});
    if (!filter) {
      _exit(100);
    }
    int wrong = 0;
    auto denied = [&wrong](bool is_denied) { wrong = wrong * 2 + (is_denied ? 0 : 1); };
    denied(open("/etc/passwd", O_RDONLY) < 0 && errno == EPERM);
    denied(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM);
    denied(fork() < 0 && errno == EPERM);
    denied(kill(getppid(), SIGTERM) < 0 && errno == EPERM);
    denied(mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    denied(mmap(nullptr, size_t{2} << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    _exit(wrong);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 100) {
    GTEST_SKIP() << "no seccomp filter here";
  }
  EXPECT_EQ(WEXITSTATUS(status), 0) << "bits of what was not denied, the last call the lowest";
}

}  // namespace
}  // namespace medvec::decode
