// Replies of the embedder as PostgreSQL sees them: payloads read with bounds checked, refusals raised as errors.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "embed/connection.hpp"
#include "pg/server.hpp"

namespace medvec::embed {

// Reads a payload from front to back. Errors: 08P01 where it is shorter than what is asked of it.
class PayloadReader {
 public:
  explicit PayloadReader(std::span<const char> payload) : rest_(payload) {}

  uint32_t ReadUint32() {
    uint32_t value;
    memcpy(&value, Take(sizeof(value)), sizeof(value));
    return value;
  }
  std::span<const char> ReadBlob() {
    const uint32_t length = ReadUint32();
    return {Take(length), length};
  }
  char* ReadString() {  // zero-terminated copy
    const auto blob = ReadBlob();
    return pnstrdup(blob.data(), blob.size());
  }
  // The next `length` bytes. They are not aligned.
  const char* Take(size_t length) {
    if (length > rest_.size())
      ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("reply of the medvec embedder is too short")));
    const char* at = rest_.data();
    rest_ = rest_.subspan(length);
    return at;
  }

 private:
  std::span<const char> rest_;
};

// Raises the error that an error reply carries, with the SQLSTATE of its code; returns where the reply is no error.
// `images`: how many images the request had; with more than one, the error's context says which it was.
void RaiseIfError(const Reply& reply, int images);

}  // namespace medvec::embed
