// Bit strings as the algorithms want them.
//
// A node's own bits are all there, so distances of visited nodes are exact. A neighbour's code is its bits. Where they
// are long the code is a sample of their bytes, at even steps; then what is estimated is how the neighbour differs from
// the node: with x the bits where query and node differ and r those where node and neighbour do,
//
//   h(q, n) = |x| + |r| - 2 |x & r|
//
// of which |x| and |r| are known (|r| is the link's norm) and the last is counted in the sample: near the node r is
// small, and so is the error. For Jaccard the number of the neighbour's bits is needed as well, which `rescale` codes
// by its ratio to the node's.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/hnsw/bit_kernels.hpp"
#include "core/hnsw/kernels.hpp"

namespace medvec::hnsw {

namespace {

bool IsSampled(const Geometry& g) { return g.code_bytes < g.vector_bytes; }

void TakeSample(const Geometry& g, const uint8_t* bits, uint8_t* sample) {
  if (!IsSampled(g)) return static_cast<void>(std::memcpy(sample, bits, g.code_bytes));
  const uint64_t step = (uint64_t{g.vector_bytes} << 32) / g.code_bytes;
  for (uint64_t i = 0, at = 0; i < g.code_bytes; ++i, at += step) sample[i] = bits[at >> 32];
}

// By the number of bits that differ and those that are set; 1 where none is common, even of two empty strings.
float Jaccard(float differing, float ones_a, float ones_b) {
  const float common = std::max(0.0f, (ones_a + ones_b - differing) / 2), all = ones_a + ones_b - common;
  return common > 0 ? 1 - common / all : 1;
}

float DistanceBy(const Geometry& g, float differing, float ones_a, float ones_b) {
  return g.metric == Metric::kJaccard ? Jaccard(differing, ones_a, ones_b) : differing;
}

// A sampled neighbour's bits, as a ratio to the node's: 1/24 of an octave a step.
constexpr float kStepsPerOctave = 24;
uint8_t CodeRatio(uint32_t own, uint32_t neighbour) {
  const float octaves = std::log2((static_cast<float>(neighbour) + 1) / (static_cast<float>(own) + 1));
  return static_cast<uint8_t>(std::clamp(std::lrint(128 + kStepsPerOctave * octaves), 0l, 255l));
}
float OnesByRatio(uint32_t own, uint8_t code) {
  return (static_cast<float>(own) + 1) * std::exp2((static_cast<float>(code) - 128) / kStepsPerOctave) - 1;
}

Query LayQuery(const Geometry& g, const uint8_t* bits, size_t bytes, void* buffer) {
  uint8_t* own = reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(buffer) + 63) / 64 * 64);
  std::memcpy(own, bits, bytes);
  std::memset(own + bytes, 0, g.vector_bytes - bytes);
  uint8_t* sample = own + g.vector_bytes;
  TakeSample(g, own, sample);
  Query query{};
  query.bits = own;
  query.ones = GetBitKernels().ones(own, g.vector_bytes);
  query.sample = sample;
  query.differing = sample + g.code_bytes;
  query.node_sample = query.differing + g.code_bytes;
  return query;
}

Query MakeQuery(const Space& space, const Input& input, void* buffer) {
  return LayQuery(space.geometry, input.bits, (space.geometry.dim + 7) / 8, buffer);
}

Query QueryOf(const Space& space, Stored stored, void* buffer) {
  return LayQuery(space.geometry, stored.bytes, space.geometry.vector_bytes, buffer);
}

Distances Visit(const Space& space, Query& query, const uint8_t* block) {
  const Geometry& g = space.geometry;
  const uint8_t* own = Vector(g, block);
  const uint32_t differing = GetBitKernels().differing(query.bits, own, g.vector_bytes);
  if (g.metric == Metric::kJaccard) query.node_ones = GetBitKernels().ones(own, g.vector_bytes);
  query.node_differing = differing;
  if (IsSampled(g)) {
    TakeSample(g, own, query.node_sample);
    for (size_t i = 0; i < g.code_bytes; ++i) query.differing[i] = query.node_sample[i] ^ query.sample[i];
  }
  const float distance =
      DistanceBy(g, static_cast<float>(differing), static_cast<float>(query.ones), static_cast<float>(query.node_ones));
  return {distance, distance};
}

void EstimateExactly(const Geometry& g, const Query& query, const uint8_t* block, size_t degree, float* estimates,
                     float* deviations) {
  uint32_t differing[kMaxDegree], ones[kMaxDegree] = {};
  GetBitKernels().differing_codes(block + g.codes, degree, g.code_bytes, query.bits, differing);
  if (g.metric == Metric::kJaccard) GetBitKernels().ones_of_codes(block + g.codes, degree, g.code_bytes, ones);
  for (size_t i = 0; i < degree; ++i) {
    estimates[i] =
        DistanceBy(g, static_cast<float>(differing[i]), static_cast<float>(query.ones), static_cast<float>(ones[i]));
    deviations[i] = 0;
  }
}

void Estimate(const Space& space, const Query& query, const uint8_t* block, float, float* estimates,
              float* deviations) {
  const Geometry& g = space.geometry;
  const size_t degree = std::min<size_t>(Header(block).degree, g.max_degree);
  if (!IsSampled(g)) return EstimateExactly(g, query, block, degree, estimates, deviations);
  uint32_t counts[kMaxDegree];
  GetBitKernels().differing_within(block + g.codes, degree, g.code_bytes, query.node_sample, query.differing, counts);
  const float share = static_cast<float>(g.code_bytes) / static_cast<float>(g.vector_bytes);
  const float visited = static_cast<float>(query.node_differing), query_ones = static_cast<float>(query.ones);
  for (size_t i = 0; i < degree; ++i) {
    uint16_t norm_code;
    std::memcpy(&norm_code, block + g.norms + 2 * i, sizeof norm_code);
    const float norm = std::bit_cast<float>(static_cast<uint32_t>(norm_code & 0x7fff) << 16);
    const float count = static_cast<float>(counts[i]);
    const float differing = std::max(0.0f, visited + norm - 2 * count / share);
    // A binomial count; of none that were seen there may have been one.
    const float deviation = 2 * std::sqrt(std::max(count, 1.0f) * (1 - share)) / share;
    if (g.metric == Metric::kHamming) {
      estimates[i] = differing, deviations[i] = deviation;
      continue;
    }
    const float ones = OnesByRatio(query.node_ones, block[g.rescales + i]);
    const float all = std::max(1.0f, (query_ones + ones + differing) / 2);
    estimates[i] = Jaccard(differing, query_ones, ones);
    deviations[i] = deviation * (query_ones + ones) / (2 * all * all);
  }
}

void EncodeVector(const Space& space, const Query& query, uint8_t* block) {
  Header(block).scale = 1, Header(block).error = 0;
  std::memcpy(block + space.geometry.vector, query.bits, space.geometry.vector_bytes);
}

EncodedLink EncodeLink(const Space& space, Stored own, Stored neighbour, void*, uint8_t* code) {
  const Geometry& g = space.geometry;
  TakeSample(g, neighbour.bytes, code);
  const float differing = static_cast<float>(GetBitKernels().differing(own.bytes, neighbour.bytes, g.vector_bytes));
  uint32_t word = std::bit_cast<uint32_t>(differing);
  word += 0x7fff + (word >> 16 & 1);  // to nearest even
  const bool has_ratio = g.metric == Metric::kJaccard && IsSampled(g);
  const uint8_t ratio = has_ratio ? CodeRatio(GetBitKernels().ones(own.bytes, g.vector_bytes),
                                              GetBitKernels().ones(neighbour.bytes, g.vector_bytes))
                                  : 0;
  return {static_cast<uint16_t>(word >> 16), ratio};
}

// For Jaccard the number of bits that are set.
float Norm(const Geometry& g, const uint8_t* stored, float) {
  return g.metric == Metric::kJaccard ? static_cast<float>(GetBitKernels().ones(stored, g.vector_bytes)) : 0;
}

float Between(const Geometry& g, const uint8_t* a, float, float ones_a, const uint8_t* b, float, float ones_b) {
  return DistanceBy(g, static_cast<float>(GetBitKernels().differing(a, b, g.vector_bytes)), ones_a, ones_b);
}

double Error(const Space& space, const Query& query, Stored stored) {
  return std::sqrt(
      static_cast<double>(GetBitKernels().differing(query.bits, stored.bytes, space.geometry.vector_bytes)));
}

bool IsRounding(const Space&, void*, const uint8_t*, uint8_t*) { return false; }

bool IsSound(const Space& space, Stored stored) {
  const Geometry& g = space.geometry;
  const size_t whole = g.dim / 8;
  if (g.dim % 8 != 0 && (stored.bytes[whole] & (0xff >> g.dim % 8)) != 0) return false;
  for (size_t i = (g.dim + 7) / 8; i < g.vector_bytes; ++i)
    if (stored.bytes[i] != 0) return false;
  return true;
}

}  // namespace

const Kernels& KernelsOfBits() {
  static constexpr Kernels kernels = {MakeQuery, QueryOf, Visit, Estimate,   EncodeVector, EncodeLink,
                                      Between,   Norm,    Error, IsRounding, IsSound};
  return kernels;
}

}  // namespace medvec::hnsw
