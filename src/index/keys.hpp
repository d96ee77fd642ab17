// Filter columns: the further key columns of an index, whose values each row carries (layout.hpp).
//
// What does not fit into a few bytes is kept as a digest, which answers some conditions with certainty and others with
// "maybe"; the executor then looks at the row itself.
#pragma once

#include "core/column.hpp"
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

// What support function 2 of an operator class says.
struct FilterClass {
  Encoding encoding;
  Form form;

  constexpr uint8_t size() const { return static_cast<uint8_t>(SizeOf(form)); }
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
// The filter columns' places, into a new metapage: key_columns, keys and key_bytes.
// 0A000: the operator class is for values of another form.
void LayKeys(Relation relation, Meta* meta);
// Whether these are the filter columns of the relation, laid so.
bool HasKeysOf(Relation relation, const Meta& meta);
// In the current context. 42883: a type has no hashes.
FilterColumn* FilterColumns(Relation relation, const Meta& meta);

// The keys of a row: meta.key_bytes. `values` are those of all the index's columns.
void EncodeKeys(const Meta& meta, const FilterColumn* columns, const Datum* values, const bool* is_null, uint8_t* keys);
// One value that is not NULL, in its column's `size` bytes.
void EncodeValue(const FilterColumn& column, Datum value, uint8_t* to);
// Of the elements of an array that are not NULL; in the current context.
hnsw::Array<uint64_t> Signatures(const FilterColumn& column, Datum array);

}  // namespace medvec::index
