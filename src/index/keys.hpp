// Filter columns: the further key columns of an index, whose values each row carries (layout.hpp).
//
// What does not fit into a few bytes is kept as a digest, which answers some conditions with certainty and others with
// "maybe"; the executor then looks at the row itself.
#pragma once

#include <compare>

#include "core/hnsw/memory.hpp"
#include "index/layout.hpp"
#include "pg/index.hpp"

namespace medvec::index {

// Support functions of operator classes: of vectors (operator_class.hpp), of filter columns.
inline constexpr int kVectorFunction = 1, kFilterFunction = 2;

// Operators of filter columns: those of B-tree; of arrays (kSignature) && and @>.
enum Strategy : uint16_t { kLess = 1, kLessEqual, kEqual, kGreaterEqual, kGreater };
enum ArrayStrategy : uint16_t { kOverlaps = 1, kContains };
inline constexpr int kMostFilterStrategies = kGreater;

// How the bytes of a value are to be read, so that they compare as the type's values do.
enum class Order : uint8_t {
  kSigned,
  kUnsigned,
  kFloat,
  kBytes,  // as memcmp
  kNone    // equal values have equal bytes; which is less only the type's functions know
};

// What support function 2 of an operator class says.
struct FilterClass {
  Encoding encoding;
  Order order;
};

struct FilterColumn {
  KeyColumn place;
  Order order;
  bool by_value;
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
// 0A000: a value's type is too long.
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

// What a value's bytes say, as a number that compares as the values do: an integer, or the 128 bits of a uuid.
struct Number {
  int64_t high;
  uint64_t low;
  auto operator<=>(const Number&) const = default;
};
inline constexpr Number kLeastNumber = {INT64_MIN, 0}, kGreatestNumber = {INT64_MAX, UINT64_MAX};
Number IntegerNumber(int64_t value);
Number FloatNumber(double value);
Number ReadNumber(Order order, uint32_t size, const uint8_t* bytes);

}  // namespace medvec::index
