#include "wire.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace medvec::embedder {

using protocol::FrameHeader;
using Cause = WireError::Cause;

namespace {

constexpr size_t kMaxErrorText = 2000;

WireError SystemError(const char* what) { return {Cause::system, std::string(what) + ": " + std::strerror(errno)}; }

// Waits until `fd` is ready for `events`, or throws at the deadline.
void Await(int fd, short events, const Deadline& deadline) {
  if (!deadline) return;
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now()).count();
    pollfd poll_fd{fd, events, 0};
    int ready = poll(&poll_fd, 1, static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX)));
    if (ready > 0) return;
    if (ready == 0) throw WireError(Cause::timed_out, "timed out");
    if (errno != EINTR) throw SystemError("poll");
  }
}

// The longest prefix that is valid UTF-8 byte by byte, everything else replaced.
std::string CleanText(std::string_view text) {
  std::string clean;
  size_t i = 0;
  while (i < text.size() && clean.size() < kMaxErrorText) {
    unsigned char lead = text[i];
    size_t length = lead < 0x80                   ? 1
                    : lead >= 0xc2 && lead < 0xe0 ? 2
                    : lead >= 0xe0 && lead < 0xf0 ? 3
                    : lead >= 0xf0 && lead < 0xf5 ? 4
                                                  : 0;
    bool valid = length > 0 && i + length <= text.size() && lead != 0;
    for (size_t k = 1; valid && k < length; ++k) valid = (text[i + k] & 0xc0) == 0x80;
    if (valid && length >= 3) {
      unsigned char second = text[i + 1];  // overlong forms, surrogates and what lies above U+10FFFF
      valid = !(lead == 0xe0 && second < 0xa0) && !(lead == 0xed && second > 0x9f) &&
              !(lead == 0xf0 && second < 0x90) && !(lead == 0xf4 && second > 0x8f);
    }
    if (valid) {
      clean.append(text.substr(i, length));
      i += length;
    } else {
      clean.push_back('?');
      ++i;
    }
  }
  return clean;
}

}  // namespace

bool ReadExactly(int fd, std::span<std::byte> into, Deadline deadline) {
  size_t done = 0;
  while (done < into.size()) {
    Await(fd, POLLIN, deadline);
    ssize_t got = read(fd, into.data() + done, into.size() - done);
    if (got > 0) {
      done += got;
    } else if (got == 0 || errno == ECONNRESET) {
      if (done == 0) return false;
      throw WireError(Cause::closed, "connection closed in the middle of a message");
    } else if (errno != EINTR && errno != EAGAIN) {
      throw SystemError("read");
    }
  }
  return true;
}

std::optional<FrameHeader> ReadHeader(int fd, Deadline deadline) {
  FrameHeader header;
  if (!ReadExactly(fd, std::as_writable_bytes(std::span(&header, 1)), deadline)) return std::nullopt;
  if (header.magic != protocol::kMagic)
    throw WireError(Cause::malformed, "message does not start with the magic number");
  if (header.length > protocol::kMaxPayload)
    throw WireError(Cause::too_long, "message is longer than the protocol allows");
  return header;
}

Buffer ReadPayload(int fd, const FrameHeader& header, size_t limit, Deadline deadline) {
  if (header.length > limit) throw WireError(Cause::too_long, "message is longer than the receiver allows");
  Buffer payload(header.length);
  if (header.length > 0 && !ReadExactly(fd, payload.writable(), deadline)) {
    throw WireError(Cause::closed, "connection closed in the middle of a message");
  }
  return payload;
}

std::optional<Frame> ReadFrame(int fd, size_t limit, Deadline deadline) {
  std::optional<FrameHeader> header = ReadHeader(fd, deadline);
  if (!header) return std::nullopt;
  return Frame{*header, ReadPayload(fd, *header, limit, deadline)};
}

std::span<const std::byte> PayloadReader::GetBytes(size_t count) {
  if (count > rest_.size()) throw WireError(Cause::malformed, "payload ends too early");
  std::span<const std::byte> bytes = rest_.first(count);
  rest_ = rest_.subspan(count);
  return bytes;
}

void PayloadReader::ExpectEnd() const {
  if (!rest_.empty()) throw WireError(Cause::malformed, "payload is longer than its description");
}

PayloadWriter& PayloadWriter::PutBytes(std::span<const std::byte> bytes) {
  if (bytes.empty()) return *this;
  owned_.insert(owned_.end(), bytes.begin(), bytes.end());
  if (parts_.empty() || parts_.back().outside != nullptr) parts_.push_back({nullptr, 0});
  parts_.back().length += bytes.size();
  size_ += bytes.size();
  return *this;
}

PayloadWriter& PayloadWriter::PutBlob(std::span<const std::byte> bytes) {
  if (bytes.size() > protocol::kMaxPayload)
    throw WireError(Cause::too_long, "value is longer than the protocol allows");
  return Put(static_cast<uint32_t>(bytes.size())).PutBytes(bytes);
}

PayloadWriter& PayloadWriter::PutBytesByReference(std::span<const std::byte> bytes) {
  if (bytes.empty()) return *this;
  parts_.push_back({bytes.data(), bytes.size()});
  size_ += bytes.size();
  return *this;
}

PayloadWriter& PayloadWriter::PutBlobByReference(std::span<const std::byte> bytes) {
  if (bytes.size() > protocol::kMaxPayload)
    throw WireError(Cause::too_long, "value is longer than the protocol allows");
  return Put(static_cast<uint32_t>(bytes.size())).PutBytesByReference(bytes);
}

std::vector<iovec> PayloadWriter::Parts() const {
  std::vector<iovec> parts;
  parts.reserve(parts_.size());
  const std::byte* own = owned_.data();
  for (const Part& part : parts_) {
    const std::byte* start = part.outside;
    if (start == nullptr) {
      start = own;
      own += part.length;
    }
    parts.push_back({const_cast<std::byte*>(start), part.length});
  }
  return parts;
}

std::vector<std::byte> PayloadWriter::Joined() const {
  std::vector<std::byte> joined;
  joined.reserve(size_);
  for (const iovec& part : Parts()) {
    const std::byte* start = static_cast<const std::byte*>(part.iov_base);
    joined.insert(joined.end(), start, start + part.iov_len);
  }
  return joined;
}

void WriteFrame(int fd, uint16_t kind, uint32_t id, const PayloadWriter& payload, Deadline deadline) {
  if (payload.size() > protocol::kMaxPayload) {
    throw WireError(Cause::too_long, "message is longer than the protocol allows");
  }
  FrameHeader header{protocol::kMagic, protocol::kVersion, kind, id, static_cast<uint32_t>(payload.size())};
  std::vector<iovec> parts = payload.Parts();
  parts.insert(parts.begin(), iovec{&header, sizeof(header)});
  size_t next = 0;
  while (next < parts.size()) {
    Await(fd, POLLOUT, deadline);
    msghdr message{};
    message.msg_iov = &parts[next];
    message.msg_iovlen = std::min<size_t>(parts.size() - next, IOV_MAX);
    // With a deadline a blocking send of a large message would overrun it, so send what fits and come back.
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | (deadline ? MSG_DONTWAIT : 0));
    if (sent < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      if (errno == EPIPE || errno == ECONNRESET) throw WireError(Cause::closed, "connection closed while writing");
      throw SystemError("sendmsg");
    }
    while (next < parts.size() && static_cast<size_t>(sent) >= parts[next].iov_len) sent -= parts[next++].iov_len;
    if (next < parts.size()) {
      parts[next].iov_base = static_cast<char*>(parts[next].iov_base) + sent;
      parts[next].iov_len -= sent;
    }
  }
}

PayloadWriter ErrorPayload(const RequestError& error) {
  PayloadWriter payload;
  payload.Put(static_cast<uint32_t>(error.code)).Put(error.image);
  payload.PutString(CleanText(error.message)).PutString(CleanText(error.detail)).PutString(CleanText(error.hint));
  return payload;
}

RequestError ReadError(std::span<const std::byte> payload) {
  PayloadReader reader(payload);
  auto code = static_cast<protocol::ErrorCode>(reader.Get<uint32_t>());
  uint32_t image = reader.Get<uint32_t>();
  std::string message(reader.GetString()), detail(reader.GetString()), hint(reader.GetString());
  return {code, std::move(message), std::move(detail), std::move(hint), image};
}

RequestError VersionMismatch(const FrameHeader& header) {
  return {protocol::ErrorCode::version_mismatch, "the embedder is of another version than the extension",
          "The request is of protocol version " + std::to_string(header.version) + ", the embedder speaks version " +
              std::to_string(protocol::kVersion) + ".",
          "Install extension and embedder of one version and restart the embedder."};
}

}  // namespace medvec::embedder
