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
    uint8_t bits[8] = {};
    hn::StoreMaskBits(d, hn::Not(hn::Or(hn::Lt(v, least), hn::Gt(v, most))), bits);
    uint64_t word;
    std::memcpy(&word, bits, sizeof word);
    all |= (word & of_lanes) << i;
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

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace medvec
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medvec {

HWY_EXPORT(SelectRange);

void SelectRange(Form form, const uint8_t* values, size_t count, Number low, Number high, uint64_t* set) {
  HWY_DYNAMIC_DISPATCH(SelectRange)(form, values, count, low, high, set);
}

}  // namespace medvec
#endif
