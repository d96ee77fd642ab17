#include "core/bit_distance.hpp"

#include <cstring>

// The target with a population count of 64-bit lanes (Ice Lake, Zen 4 and later), which 1.0.3 leaves out unless asked.
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/bit_distance.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace medvec {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Byte = hn::ScalableTag<uint8_t>;
using Word = hn::ScalableTag<uint64_t>;
using ByteVec = hn::Vec<Byte>;
using WordVec = hn::Vec<Word>;

// Counts of set bits, by word where the processor can, else by byte: those of four registers may be added before
// they are widened.
#if HWY_TARGET <= HWY_AVX3_DL
HWY_INLINE WordVec CountBits(ByteVec v) { return hn::PopulationCount(hn::BitCast(Word(), v)); }
HWY_INLINE WordVec Widen(WordVec counts) { return counts; }
#elif HWY_TARGET != HWY_SCALAR
HWY_INLINE ByteVec CountBits(ByteVec v) { return hn::PopulationCount(v); }
HWY_INLINE WordVec Widen(ByteVec counts) { return hn::SumsOf8(counts); }
#endif

#if HWY_TARGET != HWY_SCALAR
// Has a value that is used twice loaded once; see LoadOnce in distance.cpp.
HWY_INLINE ByteVec LoadOnce(const uint8_t* p) {
  auto loaded = hn::LoadU(Byte(), p);
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3
  asm("" : "+v"(loaded.raw));
#endif
  return loaded;
}
#endif

// The eight bytes at `p`, or as many as there are with zeros behind them.
HWY_INLINE uint64_t LoadWord(const uint8_t* p, size_t size) {
  uint64_t word = 0;
  if (size >= sizeof word)
    std::memcpy(&word, p, sizeof word);
  else
    for (size_t i = 0; i < size; ++i) word |= uint64_t{p[i]} << (8 * i);
  return word;
}

// Counts the bits that differ and, where wanted, those in both strings.
template <bool kBoth>
HWY_INLINE BitOverlap Count(const uint8_t* a, const uint8_t* b, size_t size) {
  uint64_t differing = 0, both = 0;
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const Byte d;
  const Word dw;
  const size_t lanes = hn::Lanes(d);
  WordVec differing_words = hn::Zero(dw), both_words = differing_words;
  for (; i + 4 * lanes <= size; i += 4 * lanes) {
    const auto a0 = LoadOnce(a + i), b0 = LoadOnce(b + i);
    const auto a1 = LoadOnce(a + i + lanes), b1 = LoadOnce(b + i + lanes);
    const auto a2 = LoadOnce(a + i + 2 * lanes), b2 = LoadOnce(b + i + 2 * lanes);
    const auto a3 = LoadOnce(a + i + 3 * lanes), b3 = LoadOnce(b + i + 3 * lanes);
    const auto sum = [](ByteVec v0, ByteVec v1, ByteVec v2, ByteVec v3) HWY_ATTR {
      return Widen(hn::Add(hn::Add(CountBits(v0), CountBits(v1)), hn::Add(CountBits(v2), CountBits(v3))));
    };
    differing_words = hn::Add(differing_words, sum(hn::Xor(a0, b0), hn::Xor(a1, b1), hn::Xor(a2, b2), hn::Xor(a3, b3)));
    if constexpr (kBoth)
      both_words = hn::Add(both_words, sum(hn::And(a0, b0), hn::And(a1, b1), hn::And(a2, b2), hn::And(a3, b3)));
  }
  const auto add = [&](ByteVec x, ByteVec y) HWY_ATTR {
    differing_words = hn::Add(differing_words, Widen(CountBits(hn::Xor(x, y))));
    if constexpr (kBoth) both_words = hn::Add(both_words, Widen(CountBits(hn::And(x, y))));
  };
  for (; i + lanes <= size; i += lanes) add(LoadOnce(a + i), LoadOnce(b + i));
#if !HWY_MEM_OPS_MIGHT_FAULT
  if (i < size) {
    const auto rest = hn::FirstN(d, size - i);
    add(hn::MaskedLoad(rest, d, a + i), hn::MaskedLoad(rest, d, b + i));
    i = size;
  }
#endif
  differing = hn::GetLane(hn::SumOfLanes(dw, differing_words));
  if constexpr (kBoth) both = hn::GetLane(hn::SumOfLanes(dw, both_words));
#endif
  for (; i < size; i += sizeof(uint64_t)) {
    const uint64_t x = LoadWord(a + i, size - i), y = LoadWord(b + i, size - i);
    differing += hwy::PopCount(x ^ y);
    if constexpr (kBoth) both += hwy::PopCount(x & y);
  }
  return {static_cast<uint32_t>(both), static_cast<uint32_t>(both + differing)};
}

uint32_t Hamming(const uint8_t* a, const uint8_t* b, size_t size) { return Count<false>(a, b, size).either; }
BitOverlap Overlap(const uint8_t* a, const uint8_t* b, size_t size) { return Count<true>(a, b, size); }

const BitDistanceKernels* TargetKernels() {
  static constexpr BitDistanceKernels kernels = {Hamming, Overlap};
  return &kernels;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace medvec
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medvec {

HWY_EXPORT(TargetKernels);

const BitDistanceKernels& GetBitDistanceKernels() { return *HWY_DYNAMIC_DISPATCH(TargetKernels)(); }

}  // namespace medvec
#endif
