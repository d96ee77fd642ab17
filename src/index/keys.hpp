// Filter columns: the further key columns of an index, whose values each row carries (layout.hpp).
//
// What does not fit into a few bytes is kept as a digest, which answers some conditions with certainty and others with
// "maybe"; the executor then looks at the row itself.
#pragma once

#include <bit>
#include <cmath>
#include <cstring>

#include "core/hnsw/memory.hpp"
#include "index/layout.hpp"
#include "pg/index.hpp"

namespace medvec::index {

// Support functions of operator classes: of vectors (operator_class.hpp), of filter columns.
inline constexpr int kVectorFunction = 1, kFilterFunction = 2;

// Operators of vectors: by which rows are ordered, and whether one is within a distance (types/within.hpp).
enum VectorStrategy : uint16_t { kOrder = 1, kWithin };
// Operators of filter columns: those of B-tree; of arrays (kSignature) && and @>.
enum Strategy : uint16_t { kLess = 1, kLessEqual, kEqual, kGreaterEqual, kGreater };
enum ArrayStrategy : uint16_t { kOverlaps = 1, kContains };
inline constexpr int kMostFilterStrategies = kGreater;

// What the bytes of a column are, as a number that compares as the values do.
enum class Form : uint8_t {
  kByte,
  kInt16,
  kInt32,
  kInt64,
  kUint32,
  kFloat32,
  kFloat64,
  kOid  // equal if the values are; which is less only the type's functions know
};

// What support function 2 of an operator class says.
struct FilterClass {
  Encoding encoding;
  Form form;

  constexpr uint8_t size() const {
    switch (form) {
      case Form::kByte:
        return 1;
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
};

struct FilterColumn {
  KeyColumn place;
  Form form;
  uint8_t null_byte, null_bit;  // where in the keys
  Oid type;                     // that the operator class is for
  Oid collation;
  FmgrInfo* hash;  // extended: of the value, or of an array's element; else null
  Oid element;     // of an array
  int16 element_length;
  bool element_by_value;
  char element_alignment;

  bool IsNull(const uint8_t* keys) const { return keys[null_byte] & null_bit; }
};

// 0A000: the first column is no vector, or another one is.
void CheckColumns(Relation relation);
// The filter columns' places, into a new metapage: key_columns, keys and row_size.
// 0A000: the operator class is for values of another form.
void LayKeys(Relation relation, Meta* meta);
// Whether these are the filter columns of the relation, laid so.
bool HasKeysOf(Relation relation, const Meta& meta);
// In the current context. 42883: a type has no hashes.
FilterColumn* FilterColumns(Relation relation, const Meta& meta);

// The keys of a row: KeyBytes(meta) bytes. `values` are those of all the index's columns.
void EncodeKeys(const Meta& meta, const FilterColumn* columns, const Datum* values, const bool* is_null, uint8_t* keys);
// One value that is not NULL, in its column's `size` bytes.
void EncodeValue(const FilterColumn& column, Datum value, uint8_t* to);
// Of the elements of an array that are not NULL; in the current context.
hnsw::Array<uint64_t> Signatures(const FilterColumn& column, Datum array);

// What a value's bytes say, as a number that compares as the values do.
using Number = int64_t;
inline constexpr Number kLeastNumber = INT64_MIN, kGreatestNumber = INT64_MAX;

namespace keys {

template <class T>
T ReadAs(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

}  // namespace keys

inline Number FloatNumber(double value) {
  if (std::isnan(value)) return INT64_MAX;  // greater than all others
  if (value == 0) value = 0;                // of either sign
  const int64_t bits = std::bit_cast<int64_t>(value);
  return bits < 0 ? -(bits & INT64_MAX) : bits;
}

inline Number ReadNumber(Form form, const uint8_t* bytes) {
  switch (form) {
    case Form::kByte:
      return *bytes;
    case Form::kInt16:
      return keys::ReadAs<int16_t>(bytes);
    case Form::kInt32:
      return keys::ReadAs<int32_t>(bytes);
    case Form::kUint32:
    case Form::kOid:
      return keys::ReadAs<uint32_t>(bytes);
    case Form::kFloat32:
      return FloatNumber(double{keys::ReadAs<float>(bytes)});
    case Form::kFloat64:
      return FloatNumber(keys::ReadAs<double>(bytes));
    case Form::kInt64:
      return keys::ReadAs<int64_t>(bytes);
  }
  return 0;
}

}  // namespace medvec::index
