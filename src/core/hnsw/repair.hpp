// Repair of a node some of whose neighbours died: for vacuum, one pass over the blocks, without searching the graph
// anew.
#pragma once

#include "core/hnsw/link.hpp"
#include "core/hnsw/select.hpp"

namespace medvec::hnsw {

// Drops the links of `node` to dead nodes and mends the hole from the dead nodes' own neighbours: the nearest of them
// by estimate, as many as links were dropped, are read and linked as an insertion would. `is_dead(node)` says who is
// dead; it must not take locks of the graph. Returns the number of links dropped.
//
// The dead block must still hold its links: storage keeps it until no link leads there any more.
template <MutableGraph G, class IsDead>
size_t Repair(const Space& space, G& graph, const Memory& memory, NodeId node, IsDead is_dead) {
  const Geometry& g = space.geometry;
  const Kernels& kernels = GetKernels();
  const uint8_t* seen = graph.Read(node);
  NodeId dead[kMaxDegree], kept[kMaxDegree];
  size_t dead_count = 0, kept_count = 0;
  const size_t degree = std::min<size_t>(Header(seen).degree, g.max_degree);
  for (size_t i = 0; i < degree; ++i)
    (is_dead(Links(seen)[i]) ? dead[dead_count++] : kept[kept_count++]) = Links(seen)[i];
  if (dead_count == 0) {
    graph.Release(node);
    return 0;
  }
  const size_t padded = PaddedDim(g.dim);
  float* own = memory.Allocate<float>(2 * padded);
  std::memset(own, 0, 2 * padded * sizeof(float));
  float* other = own + padded;
  kernels.decode_vector(g, Vector(g, seen), Header(seen).scale, own);
  graph.Release(node);

  // The neighbours of the dead, by estimated distance.
  void* buffer = memory.allocate(memory.context, QueryBufferSize(g.dim) + LinkScratchSize(g.dim));
  void* scratch = static_cast<uint8_t*>(buffer) + QueryBufferSize(g.dim);
  Query query = MakeQueryFromBlockForm(space, own, buffer);
  struct Found {
    float key;
    NodeId node;
  };
  Array<Found> found;
  for (size_t i = 0; i < dead_count; ++i) {
    const uint8_t* block = graph.Read(dead[i]);
    float estimates[kMaxDegree + 16], deviations[kMaxDegree + 16];
    kernels.estimate(g, query, block, kernels.visit(g, query, block).navigation, estimates, deviations);
    for (size_t k = 0; k < std::min<size_t>(Header(block).degree, g.max_degree); ++k) {
      const NodeId candidate = Links(block)[k];
      if (candidate == node || is_dead(candidate) || std::find(kept, kept + kept_count, candidate) != kept + kept_count)
        continue;
      found.Append(memory, {estimates[k], candidate});
    }
    graph.Release(dead[i]);
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.key < b.key; });

  uint8_t* block = graph.Write(node);
  for (size_t i = Header(block).degree; i-- > 0;)
    if (is_dead(Links(block)[i])) DropLink(g, block, i);
  graph.Commit(node, true);

  NodeId last = kNoNode;
  size_t mended = 0;
  for (size_t i = 0; i < found.size && mended < dead_count; ++i) {
    if (found[i].node == last) continue;  // named by several of the dead, with different estimates: AddLink knows too
    last = found[i].node;
    const uint8_t* candidate = graph.Read(last);
    const bool alive = !(Header(candidate).flags & kDead);
    const float scale = Header(candidate).scale;
    if (alive) kernels.decode_vector(g, Vector(g, candidate), scale, other);
    graph.Release(last);
    if (!alive) continue;
    Query asking = MakeQueryFromBlockForm(space, other, buffer);
    AddLink(space, graph, asking, other, scratch, node, last);
    ++mended;
  }
  found.Free(memory);
  memory.Release(buffer);
  memory.Release(own);
  return dead_count;
}

}  // namespace medvec::hnsw
