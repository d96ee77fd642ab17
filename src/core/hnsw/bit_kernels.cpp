#include "core/hnsw/bit_kernels.hpp"

#include <cstring>

// The target with a population count of 64-bit lanes (Ice Lake, Zen 4 and later), which 1.0.3 leaves out unless asked.
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/hnsw/bit_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace medvec::hnsw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Word = hn::CappedTag<uint64_t, 8>;
using WordVec = hn::Vec<Word>;

HWY_INLINE WordVec LoadWords(const uint8_t* p) { return hn::LoadU(Word(), reinterpret_cast<const uint64_t*>(p)); }
HWY_INLINE uint64_t LoadWord(const uint8_t* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}
HWY_INLINE uint32_t Total(WordVec v) { return static_cast<uint32_t>(hn::GetLane(hn::SumOfLanes(Word(), v))); }

// Adds up the set bits of combine(word of a, word of b) over `bytes`, a multiple of 8.
template <class Combine>
HWY_INLINE uint32_t Count(const uint8_t* a, const uint8_t* b, size_t bytes, Combine combine) {
  const Word d;
  const size_t step = 8 * hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = sum0;
  size_t i = 0;
  for (; i + 2 * step <= bytes; i += 2 * step) {
    sum0 = hn::Add(sum0, hn::PopulationCount(combine(LoadWords(a + i), LoadWords(b + i))));
    sum1 = hn::Add(sum1, hn::PopulationCount(combine(LoadWords(a + i + step), LoadWords(b + i + step))));
  }
  for (; i + step <= bytes; i += step)
    sum0 = hn::Add(sum0, hn::PopulationCount(combine(LoadWords(a + i), LoadWords(b + i))));
  uint32_t total = Total(hn::Add(sum0, sum1));
  const hn::CappedTag<uint64_t, 1> d1;
  for (; i < bytes; i += 8)
    total += static_cast<uint32_t>(
        hwy::PopCount(hn::GetLane(combine(hn::Set(d1, LoadWord(a + i)), hn::Set(d1, LoadWord(b + i))))));
  return total;
}

struct Both {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return hn::And(a, b);
  }
};
struct Either {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return hn::Xor(a, b);
  }
};

uint32_t Ones(const uint8_t* a, size_t bytes) { return Count(a, a, bytes, Both()); }
uint32_t Differing(const uint8_t* a, const uint8_t* b, size_t bytes) { return Count(a, b, bytes, Either()); }

template <class Combine>
HWY_INLINE void CountAll(const uint8_t* codes, size_t count, size_t bytes, const uint8_t* with, uint32_t* counts,
                         Combine combine) {
  for (size_t i = 0; i < count; ++i, codes += bytes) counts[i] = Count(codes, with, bytes, combine);
}

void DifferingCodes(const uint8_t* codes, size_t count, size_t bytes, const uint8_t* with, uint32_t* counts) {
  CountAll(codes, count, bytes, with, counts, Either());
}
void OnesOfCodes(const uint8_t* codes, size_t count, size_t bytes, uint32_t* counts) {
  for (size_t i = 0; i < count; ++i, codes += bytes) counts[i] = Count(codes, codes, bytes, Both());
}
void DifferingWithin(const uint8_t* codes, size_t count, size_t bytes, const uint8_t* node, const uint8_t* within,
                     uint32_t* counts) {
  const Word d;
  const size_t step = 8 * hn::Lanes(d);
  for (size_t k = 0; k < count; ++k, codes += bytes) {
    auto sum = hn::Zero(d);
    size_t i = 0;
    for (; i + step <= bytes; i += step)
      sum = hn::Add(
          sum, hn::PopulationCount(hn::And(hn::Xor(LoadWords(codes + i), LoadWords(node + i)), LoadWords(within + i))));
    uint32_t total = Total(sum);
    for (; i < bytes; i += 8)
      total += static_cast<uint32_t>(hwy::PopCount((LoadWord(codes + i) ^ LoadWord(node + i)) & LoadWord(within + i)));
    counts[k] = total;
  }
}

const BitKernels* TargetKernels() {
  static constexpr BitKernels kernels = {Ones, Differing, DifferingCodes, OnesOfCodes, DifferingWithin};
  return &kernels;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace medvec::hnsw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medvec::hnsw {

HWY_EXPORT(TargetKernels);

const BitKernels& GetBitKernels() { return *HWY_DYNAMIC_DISPATCH(TargetKernels)(); }

}  // namespace medvec::hnsw
#endif
