// Payloads of requests as PostgreSQL writes them: small things gathered in a StringInfo, images left where they lie.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <cstring>

#include "pg/records.hpp"

namespace medvec::embed {

inline void AppendUint32(StringInfo to, uint32_t value) {
  appendBinaryStringInfo(to, reinterpret_cast<const char*>(&value), sizeof(value));
}

inline void AppendString(StringInfo to, const char* string) {
  AppendUint32(to, strlen(string));
  appendBinaryStringInfo(to, string, strlen(string));
}

inline iovec Bytes(const void* data, size_t length) { return {const_cast<void*>(data), length}; }
inline iovec Bytes(StringInfo gathered) { return {gathered->data, static_cast<size_t>(gathered->len)}; }

}  // namespace medvec::embed
