// One link of a block: writing it, and making room for it.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/hnsw/graph.hpp"
#include "core/hnsw/query.hpp"

namespace medvec::hnsw {

// A link is diverse (chosen by Algorithm 4) or a filler, which any diverse one displaces: the sign bit of its norm.
inline constexpr uint16_t kFiller = 0x8000;

inline uint16_t NormCode(const Geometry& g, const uint8_t* block, size_t slot) {
  uint16_t code;
  std::memcpy(&code, block + g.norms + 2 * slot, sizeof code);
  return code;
}
inline void SetNormCode(const Geometry& g, uint8_t* block, size_t slot, uint16_t code) {
  std::memcpy(block + g.norms + 2 * slot, &code, sizeof code);
}
inline float NormOf(uint16_t code) { return std::bit_cast<float>(static_cast<uint32_t>(code & ~kFiller) << 16); }

// Writes link `slot`, the last or one within the degree. `residual` (PaddedDim floats, zeros behind dim) is rotated.
inline void SetLink(const Geometry& g, uint8_t* block, size_t slot, NodeId neighbour, const float* residual,
                    bool filler) {
  const EncodedLink link = GetKernels().encode_link(g, residual, block + g.codes + slot * g.code_size());
  SetNormCode(g, block, slot, link.norm | (filler ? kFiller : 0));
  block[g.rescales + slot] = link.rescale;
  Links(block)[slot] = neighbour;
  if (slot >= Header(block).degree) Header(block).degree = static_cast<uint16_t>(slot + 1);
}

// Moves the last link into `slot`.
inline void DropLink(const Geometry& g, uint8_t* block, size_t slot) {
  const size_t last = --Header(block).degree;
  if (slot == last) return;
  Links(block)[slot] = Links(block)[last];
  SetNormCode(g, block, slot, NormCode(g, block, last));
  block[g.rescales + slot] = block[g.rescales + last];
  std::memcpy(block + g.codes + slot * g.code_size(), block + g.codes + last * g.code_size(), g.code_size());
}

inline constexpr float kDoubt = 1;

// Lets `node` know of `neighbour`, whose stored vector is `vector` and which `query` asks for. No other block is read:
// Algorithm 4 is kept up step by step, on the estimated distances between the newcomer and the neighbours there are.
//   - The newcomer is diverse unless a nearer diverse neighbour is nearer to it than the node is.
//   - Then farther diverse neighbours that are nearer to it than to the node become fillers.
//   - A full node drops the filler whose direction the newcomer covers best, or without fillers its farthest neighbour;
//     which may be the newcomer.
// A neighbour counts as nearer to the newcomer only where the estimate says so by more than its deviation: one wrong
// word among many noisy ones would be enough to lose a good link.
//
// `force`: a full node takes the newcomer in any case. Returns whether the node, alive, links to the newcomer now.
//
// `scratch`: LinkScratchSize bytes, aligned for floats.
constexpr size_t LinkScratchSize(size_t dim) { return PaddedDim(dim) * sizeof(float) + QueryBufferSize(dim); }
template <MutableGraph G>
bool AddLink(const Space& space, G& graph, Query& query, const float* vector, void* scratch, NodeId node,
             NodeId neighbour, bool force = false) {
  float* residual = static_cast<float*>(scratch);
  const Geometry& g = space.geometry;
  const Kernels& kernels = GetKernels();
  uint8_t* block = graph.Write(node);
  const size_t degree = Header(block).degree;
  const bool alive = !(Header(block).flags & kDead);
  bool wanted = alive;
  for (size_t i = 0; i < degree && wanted; ++i) wanted = Links(block)[i] != neighbour;
  if (!wanted) {
    graph.Commit(node, false);
    return alive;
  }

  const Distances distances = kernels.visit(g, query, block);
  float estimates[kMaxDegree + 16], deviations[kMaxDegree + 16];
  kernels.estimate(g, query, block, distances.navigation, estimates, deviations);
  // Distances of the neighbours to the node: stored, but for the inner product, where the node itself asks.
  float own[kMaxDegree + 16];
  if (g.metric == Metric::kInnerProduct) {
    kernels.decode_vector(g, Vector(g, block), Header(block).scale, residual);
    Query node_query = MakeQueryFromBlockForm(space, residual, residual + PaddedDim(g.dim));
    kernels.estimate(g, node_query, block, kernels.visit(g, node_query, block).navigation, own, deviations);
  } else {
    for (size_t i = 0; i < degree; ++i) own[i] = NormOf(NormCode(g, block, i));
  }
  const auto set_link = [&](size_t slot, bool filler) {
    std::memset(residual, 0, PaddedDim(g.dim) * sizeof(float));
    kernels.decode_vector(g, Vector(g, block), Header(block).scale, residual);
    for (size_t k = 0; k < g.dim; ++k) residual[k] = vector[k] - residual[k];
    if (!g.rotated()) space.rotation->Apply(residual);
    SetLink(g, block, slot, neighbour, residual, filler);
  };
  const float key = distances.navigation;

  bool filler = false;
  for (size_t i = 0; i < degree && !filler && !force; ++i)
    filler = !(NormCode(g, block, i) & kFiller) && own[i] <= key && estimates[i] + kDoubt * deviations[i] < key;
  if (!filler)
    for (size_t i = 0; i < degree; ++i)
      if (own[i] > key && estimates[i] + kDoubt * deviations[i] < own[i])
        SetNormCode(g, block, i, NormCode(g, block, i) | kFiller);
  if (degree < g.max_degree) {
    set_link(degree, filler);
    graph.Commit(node, true);
    return true;
  }
  // The filler most aligned with the newcomer: (key + own - estimate) / sqrt(key own) is twice the cosine.
  size_t victim = degree;
  float most = -4;
  for (size_t i = 0; i < degree; ++i) {
    if (!(NormCode(g, block, i) & kFiller)) continue;
    const float product = std::sqrt(key * own[i]);
    const float alignment = product > 0 ? (key + own[i] - estimates[i]) / product : 2.0f;
    if (!(alignment <= most)) victim = i, most = alignment;
  }
  const bool all_diverse = victim == degree;
  if (all_diverse) victim = static_cast<size_t>(std::max_element(own, own + degree) - own);
  // A filler gives way to any diverse newcomer, but to a filler only if that is nearer; a diverse one to a nearer one.
  const bool stays = force || (all_diverse ? !filler && own[victim] > key : !filler || own[victim] > key);
  if (stays) set_link(victim, filler);
  graph.Commit(node, stays);
  return stays;
}

}  // namespace medvec::hnsw
