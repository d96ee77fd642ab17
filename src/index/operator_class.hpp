// What an operator class tells the index of its type and metric.
#pragma once

#include "core/hnsw/kernels.hpp"
#include "pg/index.hpp"

namespace medvec::index {

// The three families of core/hnsw/kernels.hpp.
enum class Family { kDense, kBits, kSparse };

struct OperatorClass {
  hnsw::Metric metric;
  Family family;
  int element_bytes;  // dense: of an element in the table
  // The vector of a value, in place or in the current context, and its dimensions.
  hnsw::Input (*input)(Datum value, uint32* dim);
  // ERROR unless a column of this type and type modifier can be indexed; else its dimensions.
  uint32 (*dimensions)(Oid type, int32 typmod);
  // 22000: a value has other dimensions than the column.
  void (*raise_different)(uint32 own, uint32 wanted);

  // Whether codes of rows estimate its distances (decision 0020).
  bool has_row_codes() const { return family == Family::kDense && metric != hnsw::Metric::kL1; }
};

// By support function 1 of the index's first column.
OperatorClass GetOperatorClass(Relation index);
// Of the index's first column, whose type may be a domain. ERROR unless it can be indexed.
uint32 ColumnDimensions(Relation index);

// The vector as the operator compares it (of unit length for cosine), in the value or in the current context. False:
// the operator class does not index it (zero vectors under cosine). 22000 for a value of other dimensions.
bool LoadVector(const OperatorClass& operators, Datum value, uint32 dim, hnsw::Input* input);

// A vector of zeros.
hnsw::Input ZeroVector(const OperatorClass& operators, uint32 dim);

// |v| of a vector of so many dimensions; 0 for bits.
double Length(const OperatorClass& operators, const hnsw::Input& input, uint32 dim);

}  // namespace medvec::index
