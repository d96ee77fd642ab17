// A random rotation of float32 vectors: the same for the same seed, on every machine.
//
// RaBitQ (Gao and Long 2024) codes a vector by the signs of its coordinates after a random rotation, which spreads
// every vector over all of them. A dense matrix would cost dim² per vector; this is a product of cheap orthogonal
// steps: four rounds of random signs, a Walsh-Hadamard transform over the largest power of two that fits (over the
// front in even rounds, over the back in odd ones, so that they overlap by more than half), and a turn by 45° of each
// coordinate with the one half the length away. O(dim log dim).
//
// Every step is orthogonal, therefore lengths and inner products stay what they were, up to float32 rounding.
#pragma once

#include <cstddef>
#include <cstdint>

namespace medvec {

class Rotation {
 public:
  // `dim` ≥ 1 coordinates.
  Rotation(size_t dim, uint64_t seed) : dim_(dim), seed_(seed) {}

  // Bytes of the table that Prepare fills: the signs of four rounds, a bit each.
  size_t table_size() const { return kRounds * words() * sizeof(uint64_t); }
  // Draws the signs. `table` belongs to the caller and must outlive the rotation.
  void Prepare(uint64_t* table);
  // Takes a table that was filled for the same dimension and seed.
  void Attach(const uint64_t* table) { signs_ = table; }

  // Rotates `vector` (dim floats, any alignment) in place.
  void Apply(float* vector) const;

  // Bound on |Apply(x) - Px| / |x| by float32 rounding.
  float RelativeError() const;

  size_t dim() const { return dim_; }

 private:
  static constexpr int kRounds = 4;
  size_t words() const { return (dim_ + 63) / 64; }

  size_t dim_;
  uint64_t seed_;
  const uint64_t* signs_ = nullptr;
};

}  // namespace medvec
