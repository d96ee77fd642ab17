// Columns of fixed-width values: which of them lie in a range, or are some. The widest instruction set of this machine
// looks at a page's column at once (0.1 to 0.3 ns a value, for 2 to 4 ns one by one).
//
// All forms compare as 64-bit signed integers, their numbers, so that a range has the same two ends in each.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace medvec {

// What the bytes of a value are.
enum class Form : uint8_t {
  kByte,
  kUint16,
  kInt16,
  kInt32,
  kInt64,
  kUint32,
  kFloat32,
  kFloat64,
  kOid  // as kUint32; equal if the values are; which is less only the type's functions know
};

// A value as a number that compares as the values do.
using Number = int64_t;
inline constexpr Number kLeastNumber = INT64_MIN, kGreatestNumber = INT64_MAX;

constexpr size_t SizeOf(Form form) {
  switch (form) {
    case Form::kByte:
      return 1;
    case Form::kUint16:
    case Form::kInt16:
      return 2;
    case Form::kInt32:
    case Form::kUint32:
    case Form::kFloat32:
    case Form::kOid:
      return 4;
    default:
      return 8;
  }
}

inline Number FloatNumber(double value) {
  if (std::isnan(value)) return kGreatestNumber;  // greater than all others
  const int64_t bits = std::bit_cast<int64_t>(value);
  return bits < 0 ? -(bits & INT64_MAX) : bits;  // of zero 0, whatever its sign
}

template <class T>
T ReadAs(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

inline Number ReadNumber(Form form, const uint8_t* bytes) {
  switch (form) {
    case Form::kByte:
      return *bytes;
    case Form::kUint16:
      return ReadAs<uint16_t>(bytes);
    case Form::kInt16:
      return ReadAs<int16_t>(bytes);
    case Form::kInt32:
      return ReadAs<int32_t>(bytes);
    case Form::kUint32:
    case Form::kOid:
      return ReadAs<uint32_t>(bytes);
    case Form::kFloat32:
      return FloatNumber(double{ReadAs<float>(bytes)});
    case Form::kFloat64:
      return FloatNumber(ReadAs<double>(bytes));
    case Form::kInt64:
      return ReadAs<int64_t>(bytes);
  }
  return 0;
}

// Of `count` values, one behind the other and at any address, bit i of `set` says whether value i is in question. Takes
// those out whose number is not in [low, high]. The set has whole words; bits behind the last value become 0.
void SelectRange(Form form, const uint8_t* values, size_t count, Number low, Number high, uint64_t* set);

// The same of values of 64 bits: takes those out that have not all of `bits`.
void SelectBits(const uint8_t* values, size_t count, uint64_t bits, uint64_t* set);

// Of a word of a set, of 64 values, those in question lie between. None is: least > greatest.
struct Ends {
  uint32_t least, greatest;
};
// Of `count` values of Form::kUint32, of which `set` says whether they are in question: the ends of each of its words.
void FindEnds(const uint8_t* values, size_t count, const uint64_t* set, Ends* ends);

struct Pair {
  uint32_t first;
  uint16_t second;
};
// Of up to 64 pairs, in columns of Form::kUint32 and Form::kUint16: bit i says whether pair i is one of `wanted`.
uint64_t FindPairs(const uint8_t* firsts, const uint8_t* seconds, size_t count, std::span<const Pair> wanted);

}  // namespace medvec
