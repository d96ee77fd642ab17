// Sparse vectors as the algorithms want them.
//
// A block holds a vector's non-zeros, so distances of visited nodes are exact. Where there are more than the block has
// room for it holds the greatest, and the header's `error` is the length of the rest: distances come with guaranteed
// bounds, as of any rounded vector.
//
// A neighbour's code is its greatest non-zeros: 16 bits of a hash of the place, 8 bits of the value. A query lays its
// own values out in a table by the same hash, once; the inner product with a neighbour is then a look-up for each entry.
// What the code leaves out is taken to be like what it has: with f the code's share of |n|^2,
//
//   <q, n> ~ <q, code of n> / f,     |q - n|^2 = |q|^2 + |n|^2 - 2 <q, n>
//
//   vector    uint32 count, int32 indices[nonzeros], float32 values[nonzeros]
//   code      uint16 places[dim], int8 values[dim], uint8 f in 255ths, 0 where nothing is known
//
// Of a link, norm is |n|^2, and rescale the binary exponent of the unit of the code's values.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/hnsw/kernels.hpp"
#include "core/sparse_distance.hpp"

namespace medvec::hnsw {

namespace {

constexpr int kExponentBias = 160;  // of rescale: units from 2^-160 to 2^95 of a value's 127th
// Deviation of an inner product that the code knows in part, in units of |q| and the length of what it leaves out; and of
// what rounding to 8 bits adds.
constexpr float kDoubtOfRest = 0.2f, kDoubtOfRounding = 0.01f;

SparseView Nonzeros(const Geometry& g, Stored stored) {
  const uint8_t* p = stored.bytes;
  uint32_t count;
  std::memcpy(&count, p, sizeof count);
  return {reinterpret_cast<const int32_t*>(p + 4), reinterpret_cast<const float*>(p + 4 + 4 * size_t{g.nonzeros}),
          std::min(count, g.nonzeros)};
}

uint16_t PlaceOf(int32_t index) { return static_cast<uint16_t>(static_cast<uint32_t>(index) * 0x9e3779b1u >> 16); }

// The exponent of a unit in which `greatest` is at most 127.
int UnitExponent(float greatest) {
  int exponent;
  std::frexp(greatest, &exponent);  // greatest < 2^exponent
  return std::clamp(exponent - 7, -kExponentBias, 255 - kExponentBias);
}
int8_t InUnits(float value, int exponent) {
  return static_cast<int8_t>(std::clamp(std::lrint(std::ldexp(value, -exponent)), -127l, 127l));
}

float Greatest(SparseView vector) {
  float greatest = 0;
  for (size_t i = 0; i < vector.count; ++i) greatest = std::max(greatest, std::abs(vector.values[i]));
  return greatest;
}

// Calls each(i) for the `most` non-zeros of greatest magnitude, in their order.
template <class Each>
void ForGreatest(SparseView vector, size_t most, Each each) {
  if (vector.count <= most) {
    for (size_t i = 0; i < vector.count; ++i) each(i);
    return;
  }
  float magnitudes[kMaxSparseElements];
  std::transform(vector.values, vector.values + vector.count, magnitudes, [](float x) { return std::abs(x); });
  std::nth_element(magnitudes, magnitudes + most - 1, magnitudes + vector.count, [](float a, float b) { return a > b; });
  const float least = magnitudes[most - 1];
  // Of those of just this magnitude the first.
  size_t equal = static_cast<size_t>(std::count(magnitudes, magnitudes + most, least));
  for (size_t i = 0; i < vector.count; ++i) {
    const float magnitude = std::abs(vector.values[i]);
    if (magnitude < least || (magnitude == least && equal == 0)) continue;
    if (magnitude == least) --equal;
    each(i);
  }
}

Query LayQuery(SparseView nonzeros, void* buffer) {
  uint8_t* p = reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(buffer) + 63) / 64 * 64);
  int8_t* table = reinterpret_cast<int8_t*>(p);
  int32_t* indices = reinterpret_cast<int32_t*>(p + kSparseTable);
  float* values = reinterpret_cast<float*>(indices + nonzeros.count);
  std::memcpy(indices, nonzeros.indices, sizeof(int32_t) * nonzeros.count);
  std::memcpy(values, nonzeros.values, sizeof(float) * nonzeros.count);
  std::memset(table, 0, kSparseTable);
  const int exponent = UnitExponent(Greatest(nonzeros));
  for (size_t i = 0; i < nonzeros.count; ++i) table[PlaceOf(indices[i])] = InUnits(values[i], exponent);
  Query query{};
  query.nonzeros = {indices, values, nonzeros.count};
  query.table = table;
  query.step = std::ldexp(1.0f, exponent);
  query.length = static_cast<float>(std::sqrt(SparseNormSquared(query.nonzeros)));
  return query;
}

Query MakeQuery(const Space&, const Input& input, void* buffer) { return LayQuery(input.nonzeros, buffer); }

Query QueryOf(const Space& space, Stored stored, void* buffer) {
  return LayQuery(Nonzeros(space.geometry, stored), buffer);
}

Distances Visit(const Space& space, Query& query, const uint8_t* block) {
  const Geometry& g = space.geometry;
  const SparseView own = Nonzeros(g, OwnVector(g, block));
  if (g.metric == Metric::kInnerProduct) {
    const float product = -SparseInnerProduct(query.nonzeros, own);
    return {product, product};
  }
  const float square = SparseL2Squared(query.nonzeros, own);
  return {square, g.metric == Metric::kL1 ? SparseL1(query.nonzeros, own) : square};
}

int32_t Product(const uint8_t* code, size_t entries, const int8_t* table) {
  const uint8_t* values = code + 2 * entries;
  int32_t sum = 0;
  for (size_t i = 0; i < entries; ++i) {
    uint16_t place;
    std::memcpy(&place, code + 2 * i, sizeof place);
    sum += table[place] * static_cast<int8_t>(values[i]);
  }
  return sum;
}

void Estimate(const Space& space, const Query& query, const uint8_t* block, float, float* estimates,
              float* deviations) {
  const Geometry& g = space.geometry;
  const size_t degree = std::min<size_t>(Header(block).degree, g.max_degree);
  const bool inner_product = g.metric == Metric::kInnerProduct;
  const float square = query.length * query.length, factor = inner_product ? 1 : 2;
  for (size_t i = 0; i < degree; ++i) {
    const uint8_t* code = block + g.codes + i * g.code_bytes;
    uint16_t norm_code;
    std::memcpy(&norm_code, block + g.norms + 2 * i, sizeof norm_code);
    const float norm = std::bit_cast<float>(static_cast<uint32_t>(norm_code & 0x7fff) << 16);
    const float share = static_cast<float>(code[3 * g.dim]) / 255;
    const float units = static_cast<float>(Product(code, g.dim, query.table));
    const float product =
        share > 0 ? std::ldexp(units * query.step, block[g.rescales + i] - kExponentBias) / share : 0;
    const float estimate = inner_product ? -product : std::max(0.0f, square + norm - 2 * product);
    const float doubt = kDoubtOfRest * std::sqrt(std::max(0.0f, 1 - share)) + kDoubtOfRounding;
    estimates[i] = std::isnan(estimate) ? std::numeric_limits<float>::infinity() : estimate;
    deviations[i] = factor * doubt * query.length * std::sqrt(norm);
  }
}

void EncodeVector(const Space& space, const Query& query, uint8_t* block) {
  const Geometry& g = space.geometry;
  const SparseView all = query.nonzeros;
  uint8_t* p = block + g.vector;
  int32_t* indices = reinterpret_cast<int32_t*>(p + 4);
  float* values = reinterpret_cast<float*>(p + 4 + 4 * size_t{g.nonzeros});
  uint32_t count = 0;
  double rest = SparseNormSquared(all);
  ForGreatest(all, g.nonzeros, [&](size_t i) {
    indices[count] = all.indices[i], values[count] = all.values[i];
    ++count;
  });
  rest = count == all.count ? 0 : std::max(0.0, rest - SparseNormSquared({indices, values, count}));
  std::memcpy(p, &count, sizeof count);
  Header(block).scale = 1;
  Header(block).error = static_cast<float>(std::sqrt(rest) * (1 + 1e-6));
}

EncodedLink EncodeLink(const Space& space, Stored, Stored neighbour, void*, uint8_t* code) {
  const Geometry& g = space.geometry;
  const SparseView all = Nonzeros(g, neighbour);
  const double norm = SparseNormSquared(all);
  const int exponent = UnitExponent(Greatest(all));
  uint8_t* values = code + 2 * size_t{g.dim};
  std::memset(code, 0, g.code_bytes);
  size_t count = 0;
  double known = 0;
  ForGreatest(all, g.dim, [&](size_t i) {
    const uint16_t place = PlaceOf(all.indices[i]);
    std::memcpy(code + 2 * count, &place, sizeof place);
    values[count++] = static_cast<uint8_t>(InUnits(all.values[i], exponent));
    known += static_cast<double>(all.values[i]) * all.values[i];
  });
  code[3 * size_t{g.dim}] = norm > 0 ? static_cast<uint8_t>(std::clamp(std::lrint(known / norm * 255), 1l, 255l)) : 0;
  // Below infinity also when rounded.
  uint32_t word = std::bit_cast<uint32_t>(static_cast<float>(std::min(norm, 3.38e38)));
  word += 0x7fff + (word >> 16 & 1);  // to nearest even
  return {static_cast<uint16_t>(word >> 16), static_cast<uint8_t>(exponent + kExponentBias)};
}

float Norm(const Geometry& g, const uint8_t* stored, float scale) {
  return static_cast<float>(SparseNormSquared(Nonzeros(g, {stored, scale})));
}

float Between(const Geometry& g, const uint8_t* a, float, float, const uint8_t* b, float, float) {
  const SparseView x = Nonzeros(g, {a, 1}), y = Nonzeros(g, {b, 1});
  return g.metric == Metric::kInnerProduct ? -SparseInnerProduct(x, y) : SparseL2Squared(x, y);
}

double Error(const Space& space, const Query& query, Stored stored) {
  return std::sqrt(static_cast<double>(SparseL2Squared(query.nonzeros, Nonzeros(space.geometry, stored))));
}

bool IsRounding(const Space&, void*, const uint8_t*, uint8_t*) { return false; }

bool IsSound(const Space& space, Stored stored) {
  const Geometry& g = space.geometry;
  uint32_t count;
  std::memcpy(&count, stored.bytes, sizeof count);
  if (count > g.nonzeros) return false;
  const SparseView nonzeros = Nonzeros(g, stored);
  for (size_t i = 0; i < nonzeros.count; ++i) {
    if (nonzeros.indices[i] < 0 || (i > 0 && nonzeros.indices[i] <= nonzeros.indices[i - 1])) return false;
    if (!std::isfinite(nonzeros.values[i]) || nonzeros.values[i] == 0) return false;
  }
  return true;
}

}  // namespace

const Kernels& KernelsOfSparse() {
  static constexpr Kernels kernels = {MakeQuery, QueryOf, Visit, Estimate,   EncodeVector, EncodeLink,
                                      Between,   Norm,    Error, IsRounding, IsSound};
  return kernels;
}

}  // namespace medvec::hnsw
