// Insertion (Malkov and Yashunin 2018, Algorithm 1).
#pragma once

#include <cmath>

#include "core/hnsw/link.hpp"
#include "core/hnsw/search.hpp"
#include "core/hnsw/select.hpp"

namespace medvec::hnsw {

struct InsertParameters {
  size_t ef_construction = 64;
  size_t new_links = 0;      // diverse links and fillers of a new node: 0 means all slots
  size_t diverse_links = 0;  // of which diverse at most: 0 means all slots
  size_t pool = 48;          // fillers are chosen among so many
};

// The level of a new node: l with probability ratio^-l, from 64 random bits. Flatter than the paper's 1/m: see the
// README.
inline constexpr double kLevelRatio = 64;
inline constexpr int kMaxLevel = 7;
inline int DrawLevel(uint64_t random, double ratio = kLevelRatio) {
  const double uniform = (static_cast<double>(random >> 11) + 1) * 0x1p-53;  // in (0, 1]
  return std::min(kMaxLevel, static_cast<int>(-std::log2(uniform) / std::log2(ratio)));
}

// Collects the nodes visited by a search for neighbours, with copies of their vectors.
struct Collector {
  const Geometry& geometry;
  const Memory& memory;
  const Kernels& kernels;
  Array<Candidate> found;
  Array<uint8_t*> copies;

  static constexpr size_t kBatch = 32;

  bool Visit(NodeId node, const uint8_t* block, const Distances& distances) {
    const BlockHeader& header = Header(block);
    if (header.flags & kDead) return false;
    const size_t size = geometry.vector_size();
    if (found.size / kBatch == copies.size) copies.Append(memory, memory.Allocate<uint8_t>(kBatch * size));
    uint8_t* copy = copies[found.size / kBatch] + found.size % kBatch * size;
    std::memcpy(copy, Vector(geometry, block), size);
    found.Append(memory,
                 {distances.navigation, node, copy, header.scale, kernels.norm(geometry, copy, header.scale), 0});
    return true;
  }
  void Free() {
    for (size_t i = 0; i < copies.size; ++i) memory.Release(copies[i]);
    copies.Free(memory);
    found.Free(memory);
  }
};

struct Inserted {
  NodeId node;     // on level 0: the new node, or the one that holds the same vector
  bool duplicate;  // the same: the caller adds its row there
};

// Inserts `vector` (dim floats in the blocks' form). `target` goes to the new node's header: its row.
template <MutableGraph G>
Inserted Insert(const Space& space, G& graph, const Memory& memory, const float* vector, int level, uint32_t target,
                const InsertParameters& parameters) {
  const Geometry& g = space.geometry;
  const Kernels& kernels = GetKernels();
  const size_t limit = parameters.new_links != 0 ? std::min<size_t>(parameters.new_links, g.max_degree) : g.max_degree;

  // The block as it will be, to compare with others and to copy from.
  uint8_t* own = memory.Allocate<uint8_t>(g.block_size);
  std::memset(own, 0, g.block_size);
  kernels.encode_vector(g, vector, own);
  float* decoded = memory.Allocate<float>(3 * PaddedDim(g.dim));
  float* other = decoded + PaddedDim(g.dim);
  float* residual = other + PaddedDim(g.dim);
  std::memset(decoded, 0, 3 * PaddedDim(g.dim) * sizeof(float));
  kernels.decode_vector(g, Vector(g, own), Header(own).scale, decoded);

  void* query_buffer = memory.allocate(memory.context, QueryBufferSize(g.dim));
  void* scratch = memory.allocate(memory.context, LinkScratchSize(g.dim));
  Query query = MakeQueryFromBlockForm(space, vector, query_buffer);
  const Entry entry = graph.GetEntry();
  const int top = std::min(level, entry.node == kNoNode ? -1 : entry.level);
  Inserted result{kNoNode, false};

  // Search and choose on all levels before anything is written.
  Collector collectors[kMaxLevel + 1] = {{g, memory, kernels, {}, {}}, {g, memory, kernels, {}, {}},
                                         {g, memory, kernels, {}, {}}, {g, memory, kernels, {}, {}},
                                         {g, memory, kernels, {}, {}}, {g, memory, kernels, {}, {}},
                                         {g, memory, kernels, {}, {}}, {g, memory, kernels, {}, {}}};
  size_t chosen[kMaxLevel + 1] = {}, diverse[kMaxLevel + 1] = {};
  if (top >= 0) {
    NodeId start = Descend(space, graph, memory, query, top);
    for (int l = top; l >= 0; --l) {
      Collector& collector = collectors[l];
      Walk<G, Collector> walk(space, graph, memory, query, collector);
      walk.Start(parameters.ef_construction, false, false);
      walk.Add(start);
      walk.Run();
      walk.Free();
      std::sort(collector.found.begin(), collector.found.end(),
                [](const Candidate& a, const Candidate& b) { return a.key < b.key; });
      if (l > 0 && collector.found.size > 0) {
        start = Header(graph.Read(collector.found[0].node)).target;
        graph.Release(collector.found[0].node);
      } else if (l > 0) {  // all dead: go on below the entry
        start = Descend(space, graph, memory, query, l - 1);
      } else {
        for (const Candidate& c : collector.found)
          if (c.scale == Header(own).scale && std::memcmp(c.stored, Vector(g, own), g.vector_size()) == 0) {
            result = {c.node, true};
            break;
          }
      }
      if (result.duplicate) break;
      const size_t most = std::min(collector.found.size, parameters.ef_construction);
      const size_t few = parameters.diverse_links != 0 ? std::min(parameters.diverse_links, limit) : limit;
      chosen[l] = SelectNeighbours(g, collector.found.data, most, limit, parameters.pool, &diverse[l]);
      diverse[l] = std::min(diverse[l], few);
    }
  }

  NodeId below = kNoNode;
  for (int l = 0; l <= level && !result.duplicate; ++l) {
    const NodeId node = graph.Allocate(l);
    BlockHeader& header = Header(own);
    header.level = static_cast<uint8_t>(l);
    header.target = l == 0 ? target : below;
    header.degree = 0;
    for (size_t i = 0; i < chosen[l]; ++i) {
      const Candidate& c = collectors[l].found[i];
      kernels.decode_vector(g, c.stored, c.scale, other);
      for (size_t k = 0; k < g.dim; ++k) residual[k] = other[k] - decoded[k];
      if (!g.rotated()) space.rotation->Apply(residual);
      SetLink(g, own, i, c.node, residual, i >= diverse[l]);
    }
    std::memcpy(graph.Write(node), own, g.block_size);
    graph.Commit(node);
    for (size_t i = 0; i < diverse[l]; ++i)
      AddLink(space, graph, query, decoded, scratch, collectors[l].found[i].node, node);
    if (l == level && (entry.node == kNoNode || level > entry.level)) graph.RaiseEntry({node, level});
    below = node;
    if (l == 0) result.node = node;
  }

  for (Collector& collector : collectors) collector.Free();
  memory.Release(scratch);
  memory.Release(query_buffer);
  memory.Release(decoded);
  memory.Release(own);
  return result;
}

}  // namespace medvec::hnsw
