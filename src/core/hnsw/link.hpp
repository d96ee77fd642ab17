// One link of a block: writing it, and making room for it.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/hnsw/graph.hpp"
#include "core/hnsw/kernels.hpp"

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

// Writes link `slot`, the last or one within the degree, to `neighbour`, whose vector is `stored`. `scratch`:
// LinkScratchSize bytes.
inline void SetLink(const Space& space, uint8_t* block, size_t slot, NodeId neighbour, Stored stored, bool filler,
                    void* scratch) {
  const Geometry& g = space.geometry;
  const EncodedLink link =
      GetKernels(g).encode_link(space, OwnVector(g, block), stored, scratch, block + g.codes + slot * g.code_size());
  SetNormCode(g, block, slot, link.norm | (filler ? kFiller : 0));
  block[g.rescales + slot] = link.rescale;
  Links(block)[slot] = neighbour;
  if (slot >= Header(block).degree) Header(block).degree = static_cast<uint8_t>(slot + 1);
}

// Copies link `from` over link `to`.
inline void CopyLink(const Geometry& g, uint8_t* block, size_t from, size_t to) {
  if (from == to) return;
  Links(block)[to] = Links(block)[from];
  SetNormCode(g, block, to, NormCode(g, block, from));
  block[g.rescales + to] = block[g.rescales + from];
  std::memcpy(block + g.codes + to * g.code_size(), block + g.codes + from * g.code_size(), g.code_size());
}

// The last link takes the place of link `slot`; of an anchor the last anchor, whose place it takes.
inline void DropLink(const Geometry& g, uint8_t* block, size_t slot) {
  BlockHeader& header = Header(block);
  if (slot < header.anchors) {
    CopyLink(g, block, --header.anchors, slot);
    slot = header.anchors;
  }
  CopyLink(g, block, --header.degree, slot);
}

// Makes link `slot` an anchor.
inline void Anchor(const Geometry& g, uint8_t* block, size_t slot) {
  const size_t to = Header(block).anchors++;
  if (to == slot) return;
  std::swap(Links(block)[to], Links(block)[slot]);
  const uint16_t norm = NormCode(g, block, to);
  SetNormCode(g, block, to, NormCode(g, block, slot));
  SetNormCode(g, block, slot, norm);
  std::swap(block[g.rescales + to], block[g.rescales + slot]);
  uint8_t* codes = block + g.codes;
  std::swap_ranges(codes + to * g.code_size(), codes + (to + 1) * g.code_size(), codes + slot * g.code_size());
}

// Navigation distances of a node's neighbours to it: stored, but for metrics where the norm says another thing, and the
// node itself asks. `scratch`: AddLinkScratchSize bytes, aligned for words.
constexpr size_t AddLinkScratchSize(const Geometry& g) { return LinkScratchSize(g) + QueryBufferSize(g); }
inline void LinkDistances(const Space& space, const uint8_t* block, void* scratch, float* distances) {
  const Geometry& g = space.geometry;
  if (g.has_codes() && (g.metric == Metric::kInnerProduct || g.codec == VectorCodec::kBits)) {
    const Kernels& kernels = GetKernels(g);
    Query query = kernels.query_of(space, OwnVector(g, block), static_cast<uint8_t*>(scratch) + LinkScratchSize(g));
    float deviations[kMaxDegree + 16];
    kernels.estimate(space, query, block, kernels.visit(space, query, block).navigation, distances, deviations);
    return;
  }
  const size_t degree = std::min<size_t>(Header(block).degree, g.max_degree);
  for (size_t i = 0; i < degree; ++i) distances[i] = NormOf(NormCode(g, block, i));
}

// What a node's neighbours are to a newcomer and to the node, where blocks have no codes that say it: they are read
// before the node is locked, for nobody holds two blocks.
struct Surroundings {
  size_t count = 0;
  NodeId nodes[kMaxDegree];
  float to_newcomer[kMaxDegree], to_node[kMaxDegree];

  // `scratch`: LinkScratchSize bytes.
  template <Graph G>
  void Read(const Space& space, G& graph, Query& query, void* scratch, NodeId node) {
    const Geometry& g = space.geometry;
    const Kernels& kernels = GetKernels(g);
    uint8_t* own = static_cast<uint8_t*>(scratch);
    const uint8_t* block = graph.Read(node);
    count = std::min<size_t>(Header(block).degree, g.max_degree);
    std::memcpy(nodes, Links(block), count * sizeof(NodeId));
    std::memcpy(own, Vector(g, block), g.vector_size());
    graph.Release(node);
    for (size_t i = 0; i < count; ++i) graph.Prefetch(nodes[i]);
    for (size_t i = 0; i < count; ++i) {
      const uint8_t* neighbour = graph.Read(nodes[i]);
      to_newcomer[i] = kernels.visit(space, query, neighbour).navigation;
      to_node[i] = kernels.between(g, own, 1, 0, Vector(g, neighbour), 1, 0);
      graph.Release(nodes[i]);
    }
  }

  // Of the links that the block has now. One that has come since is nobody's rival.
  void Look(const uint8_t* block, size_t degree, float* newcomer, float* own) const {
    for (size_t i = 0; i < degree; ++i) {
      const size_t at = static_cast<size_t>(std::find(nodes, nodes + count, Links(block)[i]) - nodes);
      newcomer[i] = at < count ? to_newcomer[at] : std::numeric_limits<float>::infinity();
      own[i] = at < count ? to_node[at] : -std::numeric_limits<float>::infinity();
    }
  }
};

// How much a newcomer is wanted: if it fits; in any case; in any case and for good, where the node has not too many
// such links yet.
enum class Welcome { kIfItFits, kForced, kAnchored };
// Whether the node, alive, links to the newcomer now.
enum class Linked { kNo, kYes, kForGood };

inline constexpr float kDoubt = 1;

// Lets `node` know of `neighbour`, whose vector is `stored` and which `query` asks for. No other block is read, where
// blocks have codes:
// Algorithm 4 is kept up step by step, on the estimated distances between the newcomer and the neighbours there are.
//   - The newcomer is diverse unless a nearer diverse neighbour is nearer to it than the node is.
//   - Then farther diverse neighbours that are nearer to it than to the node become fillers.
//   - A full node drops, of the links that are no anchors, the filler whose direction the newcomer covers best, or
//   without fillers its farthest neighbour;
//     which may be the newcomer.
// A neighbour counts as nearer to the newcomer only where the estimate says so by more than its deviation: one wrong
// word among many noisy ones would be enough to lose a good link.
//
// Without anchors a node may lose its last incoming link to newcomers and be found no more: one in a thousand to one in
// ten thousand did.
//
// `scratch`: AddLinkScratchSize bytes, aligned for words.
template <MutableGraph G>
Linked AddLink(const Space& space, G& graph, Query& query, Stored stored, void* scratch, NodeId node, NodeId neighbour,
               Welcome welcome = Welcome::kIfItFits) {
  const Geometry& g = space.geometry;
  const Kernels& kernels = GetKernels(g);
  Surroundings around;
  if (!g.has_codes()) around.Read(space, graph, query, scratch, node);
  uint8_t* block = graph.Write(node);
  const size_t degree = std::min<size_t>(Header(block).degree, g.max_degree);
  const size_t anchors = std::min<size_t>(Header(block).anchors, degree);
  // Half of the links stay free to follow what is near.
  const bool anchor = welcome == Welcome::kAnchored && anchors < g.max_degree / 2;
  const bool force = welcome == Welcome::kForced;
  const bool alive = !(Header(block).flags & kDead);
  const size_t there = static_cast<size_t>(std::find(Links(block), Links(block) + degree, neighbour) - Links(block));
  if (!alive || there < degree) {
    const bool changes = alive && anchor && there >= anchors;
    if (changes) Anchor(g, block, there);
    graph.Commit(node, changes);
    return !alive ? Linked::kNo : changes || there < anchors ? Linked::kForGood : Linked::kYes;
  }

  const Distances distances = kernels.visit(space, query, block);
  float estimates[kMaxDegree + 16], deviations[kMaxDegree + 16] = {}, own[kMaxDegree + 16];
  if (g.has_codes()) {
    kernels.estimate(space, query, block, distances.navigation, estimates, deviations);
    LinkDistances(space, block, scratch, own);
  } else {
    around.Look(block, degree, estimates, own);
  }
  const float key = distances.navigation;

  bool filler = false;
  for (size_t i = 0; i < degree && !filler && !force; ++i)
    filler = !(NormCode(g, block, i) & kFiller) && own[i] <= key && estimates[i] + kDoubt * deviations[i] < key;
  if (!filler)
    for (size_t i = 0; i < degree; ++i)
      if (own[i] > key && estimates[i] + kDoubt * deviations[i] < own[i])
        SetNormCode(g, block, i, NormCode(g, block, i) | kFiller);
  if (degree < g.max_degree) {
    SetLink(space, block, degree, neighbour, stored, filler, scratch);
    if (anchor) Anchor(g, block, degree);
    graph.Commit(node, true);
    return anchor ? Linked::kForGood : Linked::kYes;
  }
  // The filler most aligned with the newcomer: (key + own - estimate) / sqrt(key own) is twice the cosine.
  size_t victim = degree;
  float most = -4;
  for (size_t i = anchors; i < degree; ++i) {
    if (!(NormCode(g, block, i) & kFiller)) continue;
    const float product = std::sqrt(key * own[i]);
    const float alignment = product > 0 ? (key + own[i] - estimates[i]) / product : 2.0f;
    if (!(alignment <= most)) victim = i, most = alignment;
  }
  const bool all_diverse = victim == degree;
  if (all_diverse) victim = static_cast<size_t>(std::max_element(own + anchors, own + degree) - own);
  // A filler gives way to any diverse newcomer, but to a filler only if that is nearer; a diverse one to a nearer one.
  const bool fits = all_diverse ? !filler && own[victim] > key : !filler || own[victim] > key;
  const bool stays = victim < degree && (force || anchor || fits);
  if (stays) SetLink(space, block, victim, neighbour, stored, filler, scratch);
  if (stays && anchor) Anchor(g, block, victim);
  graph.Commit(node, stays);
  return !stays ? Linked::kNo : anchor ? Linked::kForGood : Linked::kYes;
}

}  // namespace medvec::hnsw
