// Which hashes the members of a set have, a bit each: tells nearly all that are no members without looking for them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "core/hnsw/memory.hpp"

namespace medvec::index {

class HashBits {
 public:
  // None: MayHave must not be asked.
  HashBits() = default;
  // One bit in sixteen will be set, up to a size that stays in the cache.
  HashBits(const hnsw::Memory& memory, uint64_t members) {
    constexpr uint64_t kBitsPerMember = 16, kLeastBits = 64, kMostBits = uint64_t{1} << 22;
    const uint64_t bits = std::min(std::bit_ceil(std::max(members * kBitsPerMember, kLeastBits)), kMostBits);
    words_ = memory.Allocate<uint64_t>(bits / 64);
    std::memset(words_, 0, bits / 8);
    shift_ = 64 - std::countr_zero(bits);
  }

  bool is_none() const { return words_ == nullptr; }
  void Add(uint64_t member) {
    const uint64_t bit = BitOf(member);
    words_[bit / 64] |= uint64_t{1} << bit % 64;
  }
  bool MayHave(uint64_t member) const {
    const uint64_t bit = BitOf(member);
    return words_[bit / 64] >> bit % 64 & 1;
  }

 private:
  // Multiplicative hashing: the highest bits of the product.
  uint64_t BitOf(uint64_t member) const { return member * 0x9e3779b97f4a7c15 >> shift_; }

  uint64_t* words_ = nullptr;
  int shift_ = 0;
};

}  // namespace medvec::index
