// The binary form of a sparse vector, behind the three int32 of its head: int32 indices from 0, float32 values, all
// big-endian.
#pragma once

#include <span>

#include "core/sparse.hpp"

namespace medvec {

inline constexpr size_t kSparseWireElement = sizeof(int32_t) + sizeof(float);  // bytes

struct SparseWire {
  SparseError error;
  int element;  // the faulty one, from 0
};

// Reads kSparseWireElement bytes for each of `indices` and `values`, which are of one size, and checks that they are a
// vector of `dim` dimensions.
SparseWire ReadSparseWire(const char* wire, int dim, std::span<int32_t> indices, std::span<float> values);

}  // namespace medvec
