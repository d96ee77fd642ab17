#include "core/column.hpp"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/column.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace medvec {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Values of T, compared as numbers of type Compared.
template <class T>
struct Integers {
  using Value = T;
  using Compared = T;
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* values) {
    return hn::LoadU(d, reinterpret_cast<const T*>(values));
  }
};

constexpr int64_t kInfinityBits = 0x7ff0000000000000;

// As FloatNumber.
template <class D>
HWY_INLINE hn::Vec<D> Numbers(D d, hn::Vec<hn::RebindToFloat<D>> values) {
  const auto bits = hn::BitCast(d, values), size = hn::And(bits, hn::Set(d, INT64_MAX));
  const auto signed_size = hn::IfThenElse(hn::Lt(bits, hn::Zero(d)), hn::Sub(hn::Zero(d), size), size);
  const auto is_nan = hn::Gt(size, hn::Set(d, kInfinityBits));
  return hn::IfThenElse(is_nan, hn::Set(d, INT64_MAX), signed_size);
}

struct Doubles {
  using Value = double;
  using Compared = int64_t;
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* values) {
    const hn::RebindToFloat<D> from;
    return Numbers(d, hn::LoadU(from, reinterpret_cast<const double*>(values)));
  }
};

struct Floats {
  using Value = float;
  using Compared = int64_t;
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* values) {
    const hn::RebindToFloat<D> to;
    const hn::Rebind<float, D> from;
    return Numbers(d, hn::PromoteTo(to, hn::LoadU(from, reinterpret_cast<const float*>(values))));
  }
};

constexpr size_t kWord = 64;  // values whose bits share a word

// Those behind the last lane may be set.
template <class D, class M>
HWY_INLINE uint64_t MaskBits(D d, M mask) {
  uint8_t bits[8] = {};
  hn::StoreMaskBits(d, mask, bits);
  uint64_t word;
  std::memcpy(&word, bits, sizeof word);
  return word;
}

template <class Kind>
HWY_INLINE uint64_t SelectWord(const uint8_t* values, typename Kind::Compared low, typename Kind::Compared high) {
  using T = typename Kind::Compared;
  const hn::CappedTag<T, kWord> d;
  const size_t lanes = hn::Lanes(d);
  const uint64_t of_lanes = ~uint64_t{0} >> (kWord - lanes);
  const auto least = hn::Set(d, low), most = hn::Set(d, high);
  uint64_t all = 0;
  for (size_t i = 0; i < kWord; i += lanes) {
    const auto v = Kind::Load(d, values + i * sizeof(typename Kind::Value));
    all |= (MaskBits(d, hn::Not(hn::Or(hn::Lt(v, least), hn::Gt(v, most)))) & of_lanes) << i;
  }
  return all;
}

template <class Kind>
void Select(const uint8_t* values, size_t count, Number low, Number high, uint64_t* set) {
  using T = typename Kind::Compared;
  constexpr size_t kSize = sizeof(typename Kind::Value);
  constexpr Number kLeast = std::numeric_limits<T>::min(), kMost = std::numeric_limits<T>::max();
  const bool is_empty = low > high || low > kMost || high < kLeast;
  const T least = static_cast<T>(std::max(low, kLeast)), most = static_cast<T>(std::min(high, kMost));
  for (size_t i = 0; i < count; i += kWord, values += kWord * kSize, ++set) {
    if (is_empty || *set == 0) {
      *set = 0;
    } else if (i + kWord <= count) {
      *set &= SelectWord<Kind>(values, least, most);
    } else {
      alignas(8) uint8_t rest[kWord * kSize] = {};
      std::memcpy(rest, values, (count - i) * kSize);
      *set &= SelectWord<Kind>(rest, least, most) & ((uint64_t{1} << (count - i)) - 1);
    }
  }
}

void SelectRange(Form form, const uint8_t* values, size_t count, Number low, Number high, uint64_t* set) {
  switch (form) {
    case Form::kByte:
      return Select<Integers<uint8_t>>(values, count, low, high, set);
    case Form::kUint16:
      return Select<Integers<uint16_t>>(values, count, low, high, set);
    case Form::kInt16:
      return Select<Integers<int16_t>>(values, count, low, high, set);
    case Form::kInt32:
      return Select<Integers<int32_t>>(values, count, low, high, set);
    case Form::kUint32:
    case Form::kOid:
      return Select<Integers<uint32_t>>(values, count, low, high, set);
    case Form::kInt64:
      return Select<Integers<int64_t>>(values, count, low, high, set);
    case Form::kFloat32:
      return Select<Floats>(values, count, low, high, set);
    case Form::kFloat64:
      return Select<Doubles>(values, count, low, high, set);
  }
}

void SelectBits(const uint8_t* values, size_t count, uint64_t bits, uint64_t* set) {
  const hn::CappedTag<uint64_t, kWord> d;
  const size_t lanes = hn::Lanes(d);
  const uint64_t of_lanes = ~uint64_t{0} >> (kWord - lanes);
  const auto wanted = hn::Set(d, bits);
  for (size_t i = 0; i < count; i += kWord, values += kWord * sizeof bits, ++set) {
    if (*set == 0) continue;
    alignas(8) uint8_t rest[kWord * sizeof bits] = {};
    const bool is_whole = i + kWord <= count;
    if (!is_whole) std::memcpy(rest, values, (count - i) * sizeof bits);
    const uint64_t* from = reinterpret_cast<const uint64_t*>(is_whole ? values : rest);
    uint64_t all = 0;
    for (size_t lane = 0; lane < kWord; lane += lanes)
      all |= (MaskBits(d, hn::Eq(hn::And(hn::LoadU(d, from + lane), wanted), wanted)) & of_lanes) << lane;
    *set &= is_whole ? all : all & ((uint64_t{1} << (count - i)) - 1);
  }
}

HWY_INLINE Ends WordEnds(const uint8_t* values, uint64_t word) {
  const hn::CappedTag<uint32_t, kWord> d;
  const size_t lanes = hn::Lanes(d);
  auto least = hn::Set(d, UINT32_MAX), greatest = hn::Zero(d);
  for (size_t i = 0; i < kWord; i += lanes) {
    const auto v = hn::LoadU(d, reinterpret_cast<const uint32_t*>(values) + i);
    if (word == ~uint64_t{0}) {
      least = hn::Min(least, v), greatest = hn::Max(greatest, v);
    } else {
      const uint64_t of_lanes = word >> i;
      uint8_t bits[8];
      std::memcpy(bits, &of_lanes, sizeof bits);
      const auto mask = hn::LoadMaskBits(d, bits);
      least = hn::Min(least, hn::IfThenElse(mask, v, least));
      greatest = hn::Max(greatest, hn::IfThenElseZero(mask, v));
    }
  }
  return {hn::GetLane(hn::MinOfLanes(d, least)), hn::GetLane(hn::MaxOfLanes(d, greatest))};
}

void FindEnds(const uint8_t* values, size_t count, const uint64_t* set, Ends* ends) {
  constexpr size_t kSize = sizeof(uint32_t);
  for (size_t i = 0; i < count; i += kWord, values += kWord * kSize, ++set, ++ends) {
    if (*set == 0) {
      *ends = {UINT32_MAX, 0};
    } else if (i + kWord <= count) {
      *ends = WordEnds(values, *set);
    } else {
      alignas(8) uint8_t rest[kWord * kSize] = {};
      std::memcpy(rest, values, (count - i) * kSize);
      *ends = WordEnds(rest, *set & ((uint64_t{1} << (count - i)) - 1));
    }
  }
}

template <class T>
HWY_INLINE uint64_t WordEqual(const uint8_t* values, T wanted) {
  const hn::CappedTag<T, kWord> d;
  const size_t lanes = hn::Lanes(d);
  const uint64_t of_lanes = ~uint64_t{0} >> (kWord - lanes);
  const auto one = hn::Set(d, wanted);
  uint64_t all = 0;
  for (size_t i = 0; i < kWord; i += lanes)
    all |= (MaskBits(d, hn::Eq(hn::LoadU(d, reinterpret_cast<const T*>(values) + i), one)) & of_lanes) << i;
  return all;
}

uint64_t FindPairs(const uint8_t* firsts, const uint8_t* seconds, size_t count, const Pair* wanted,
                   size_t wanted_count) {
  alignas(8) uint8_t rest_firsts[kWord * sizeof(uint32_t)], rest_seconds[kWord * sizeof(uint16_t)];
  if (count < kWord) {
    std::memset(rest_firsts, 0, sizeof rest_firsts), std::memset(rest_seconds, 0, sizeof rest_seconds);
    std::memcpy(rest_firsts, firsts, count * sizeof(uint32_t)), firsts = rest_firsts;
    std::memcpy(rest_seconds, seconds, count * sizeof(uint16_t)), seconds = rest_seconds;
  }
  uint64_t found = 0;
  for (size_t i = 0; i < wanted_count; ++i)
    found |= WordEqual<uint32_t>(firsts, wanted[i].first) & WordEqual<uint16_t>(seconds, wanted[i].second);
  return count < kWord ? found & ((uint64_t{1} << count) - 1) : found;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace medvec
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medvec {

HWY_EXPORT(SelectRange);
HWY_EXPORT(SelectBits);
HWY_EXPORT(FindEnds);
HWY_EXPORT(FindPairs);

void SelectRange(Form form, const uint8_t* values, size_t count, Number low, Number high, uint64_t* set) {
  HWY_DYNAMIC_DISPATCH(SelectRange)(form, values, count, low, high, set);
}

void SelectBits(const uint8_t* values, size_t count, uint64_t bits, uint64_t* set) {
  HWY_DYNAMIC_DISPATCH(SelectBits)(values, count, bits, set);
}

void FindEnds(const uint8_t* values, size_t count, const uint64_t* set, Ends* ends) {
  HWY_DYNAMIC_DISPATCH(FindEnds)(values, count, set, ends);
}

uint64_t FindPairs(const uint8_t* firsts, const uint8_t* seconds, size_t count, std::span<const Pair> wanted) {
  return HWY_DYNAMIC_DISPATCH(FindPairs)(firsts, seconds, count, wanted.data(), wanted.size());
}

}  // namespace medvec
#endif
