// What an operator class tells the index of its type and metric.
#pragma once

#include "core/hnsw/geometry.hpp"
#include "pg/index.hpp"

namespace medvec::index {

struct OperatorClass {
  hnsw::Metric metric;
  // The elements of a value, in place or in the current context, and how many there are.
  const float* (*elements)(Datum value, int* dim);
  // ERROR unless a column of this type modifier can be indexed; else its dimensions.
  int (*dimensions)(int32 typmod);
};

// By support function 1 of the index's first column.
OperatorClass GetOperatorClass(Relation index);

// The vector as the operator compares it (of unit length for cosine) in `to`, `dim` floats. False: the operator class
// does not index it (zero vectors under cosine). 22000 for a value of other dimensions.
bool LoadVector(const OperatorClass& operators, Datum value, int dim, float* to);

}  // namespace medvec::index
