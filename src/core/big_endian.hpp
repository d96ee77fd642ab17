// Numbers in the byte order of the wire.
#pragma once

#include <cstdint>

namespace medvec {

inline uint16_t ReadBigEndian16(const uint8_t* p) { return static_cast<uint16_t>(p[0] << 8 | p[1]); }
inline uint32_t ReadBigEndian32(const uint8_t* p) {
  return static_cast<uint32_t>(ReadBigEndian16(p)) << 16 | ReadBigEndian16(p + 2);
}

}  // namespace medvec
