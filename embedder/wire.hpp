// Frames of src/embed/protocol.hpp over a connected stream socket, blocking, and the payloads inside them.
//
// Embedder and decoder share this file. Payloads are read into one allocation and handed on as views; large ones are
// written from where they lie (one sendmsg of several parts), so an image is copied by the kernel only.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "embed/protocol.hpp"

namespace medvec::embedder {

// The stream cannot be used any further (all causes but `malformed` and `too_long` of a payload read in full).
class WireError : public std::runtime_error {
 public:
  enum class Cause {
    closed,     // the peer closed in the middle of a frame, or while we wrote
    timed_out,  // the deadline passed
    malformed,  // wrong magic, or a payload that does not hold what it should
    too_long,   // a length above the limit; the payload has not been read
    system,     // errno
  };
  WireError(Cause cause, const std::string& what) : std::runtime_error(what), cause_(cause) {}
  Cause cause() const { return cause_; }

 private:
  Cause cause_;
};

using Deadline = std::optional<std::chrono::steady_clock::time_point>;  // none: wait for ever

// Bytes that are not cleared before they are read into. Moves only.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t size) : data_(std::make_unique_for_overwrite<std::byte[]>(size)), size_(size) {}
  std::byte* data() { return data_.get(); }
  const std::byte* data() const { return data_.get(); }
  size_t size() const { return size_; }
  operator std::span<const std::byte>() const { return {data_.get(), size_}; }
  std::span<std::byte> writable() { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> data_;
  size_t size_ = 0;
};

struct Frame {
  protocol::FrameHeader header;
  Buffer payload;
};

// Reads `into` to its end. False when the peer had closed before the first byte.
bool ReadExactly(int fd, std::span<std::byte> into, Deadline deadline = {});

// The next header; nullopt when the peer closed between two frames. Magic and kMaxPayload are checked here. The version
// is the caller's to check (`header.version`), since the answer to a wrong one is a reply: VersionMismatchReply.
std::optional<protocol::FrameHeader> ReadHeader(int fd, Deadline deadline = {});

// The payload that follows `header`; too_long when it is above `limit`, before memory is asked for.
Buffer ReadPayload(int fd, const protocol::FrameHeader& header, size_t limit, Deadline deadline = {});

// Both of them.
std::optional<Frame> ReadFrame(int fd, size_t limit, Deadline deadline = {});

// Takes a payload apart. Views point into it. Throws WireError (malformed) instead of reading past the end.
class PayloadReader {
 public:
  explicit PayloadReader(std::span<const std::byte> payload) : rest_(payload) {}

  // A number or one of the protocol's plain structs.
  template <typename T>
  T Get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::span<const std::byte> bytes = GetBytes(sizeof(T));
    __builtin_memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  std::span<const std::byte> GetBytes(size_t count);
  std::span<const std::byte> GetBlob() { return GetBytes(Get<uint32_t>()); }
  std::string_view GetString() {
    std::span<const std::byte> bytes = GetBlob();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  size_t remaining() const { return rest_.size(); }
  // A payload ends where its description ends.
  void ExpectEnd() const;

 private:
  std::span<const std::byte> rest_;
};

// Puts a payload together. What is added by reference must stay alive until the frame is written.
class PayloadWriter {
 public:
  template <typename T>
  PayloadWriter& Put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>);
    return PutBytes(std::as_bytes(std::span(&value, 1)));
  }
  PayloadWriter& PutBytes(std::span<const std::byte> bytes);
  PayloadWriter& PutString(std::string_view text) { return PutBlob(std::as_bytes(std::span(text))); }
  PayloadWriter& PutBlob(std::span<const std::byte> bytes);
  PayloadWriter& PutBytesByReference(std::span<const std::byte> bytes);
  PayloadWriter& PutBlobByReference(std::span<const std::byte> bytes);

  size_t size() const { return size_; }
  // The payload in its parts. Valid until the next Put.
  std::vector<iovec> Parts() const;
  // The payload in one piece, for tests.
  std::vector<std::byte> Joined() const;

 private:
  struct Part {
    const std::byte* outside;  // null: `length` bytes of owned_, which follow those of the parts before
    size_t length;
  };
  std::vector<std::byte> owned_;
  std::vector<Part> parts_;
  size_t size_ = 0;
};

// Writes a frame in full. `fd` is a socket (no SIGPIPE is raised). Throws WireError: closed, timed_out, system, or
// too_long before anything was written.
void WriteFrame(int fd, uint16_t kind, uint32_t id, const PayloadWriter& payload, Deadline deadline = {});

inline void WriteFrame(int fd, protocol::RequestKind kind, uint32_t id, const PayloadWriter& payload,
                       Deadline deadline = {}) {
  WriteFrame(fd, static_cast<uint16_t>(kind), id, payload, deadline);
}
inline void WriteFrame(int fd, protocol::ReplyKind kind, uint32_t id, const PayloadWriter& payload,
                       Deadline deadline = {}) {
  WriteFrame(fd, static_cast<uint16_t>(kind), id, payload, deadline);
}

// A failure on its way to the client: what ReplyKind::error carries. Thrown within both programs.
struct RequestError : std::exception {
  RequestError(protocol::ErrorCode code, std::string message, std::string detail = {}, std::string hint = {},
               uint32_t image = 0)
      : code(code), image(image), message(std::move(message)), detail(std::move(detail)), hint(std::move(hint)) {}
  const char* what() const noexcept override { return message.c_str(); }

  protocol::ErrorCode code;
  uint32_t image;       // index of the image concerned
  std::string message;  // no capital, no full stop
  std::string detail;   // sentences
  std::string hint;
};

// The payload of ReplyKind::error. Bytes that are not UTF-8 become '?' (they may stem from a file) and overlong texts
// are cut, so that the backend can put them into an error message as they are.
PayloadWriter ErrorPayload(const RequestError& error);
RequestError ReadError(std::span<const std::byte> payload);

// The answer to a header of another version; `header.id` goes into the reply.
RequestError VersionMismatch(const protocol::FrameHeader& header);

}  // namespace medvec::embedder
