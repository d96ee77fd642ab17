// What the fuzzers of the types share.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "core/half.hpp"

namespace medvec::fuzz {

// Ends the run, as a sanitizer does, where a promise of core is broken.
inline void Check(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", promise);
  std::abort();
}

// A heap block of `count` elements and not a byte more: what is read or written beside it, ASAN reports.
template <class T>
class ExactBlock {
 public:
  explicit ExactBlock(size_t count) : count_(count), block_(new T[count]) {}
  template <class Source>
  explicit ExactBlock(std::span<Source> source) : ExactBlock(source.size()) {
    std::transform(source.begin(), source.end(), block_.get(), [](Source x) { return static_cast<T>(x); });
  }
  std::span<T> span() { return {block_.get(), count_}; }

 private:
  size_t count_;
  std::unique_ptr<T[]> block_;
};

// Float and Half alike.
inline uint32_t Bits(float element) { return std::bit_cast<uint32_t>(element); }
inline uint32_t Bits(Half element) { return element.bits; }
constexpr auto kSameBits = [](auto a, auto b) { return Bits(a) == Bits(b); };

// Whole numbers of the wire: big-endian.
template <class T>
void Append(std::string& wire, T value) {
  const auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (int shift = 8 * static_cast<int>(sizeof bits) - 8; shift >= 0; shift -= 8)
    wire += static_cast<char>(bits >> shift & 0xff);
}
template <class T>
T Take(std::span<const uint8_t>& wire) {
  uint64_t bits = 0;
  for (size_t i = 0; i < sizeof(T); ++i) bits = bits << 8 | wire[i];
  wire = wire.subspan(sizeof(T));
  return static_cast<T>(bits);
}
inline std::span<const uint8_t> AsBytes(const std::string& wire) {
  return {reinterpret_cast<const uint8_t*>(wire.data()), wire.size()};
}

// The shortest text that reads back as the same float, as the server prints it.
inline void AppendNumber(std::string& text, float value) {
  std::array<char, 32> buffer;
  text.append(buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr);
}

}  // namespace medvec::fuzz
