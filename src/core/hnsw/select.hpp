// Choice of neighbours (Malkov and Yashunin 2018, Algorithm 4), and what fills the slots it leaves free.
#pragma once

#include <algorithm>
#include <cmath>

#include "core/hnsw/kernels.hpp"
#include "core/hnsw/memory.hpp"

namespace medvec::hnsw {

// A node that may become a neighbour, with a copy of its stored vector.
struct Candidate {
  float key;  // navigation distance to the node that chooses
  NodeId node;
  const uint8_t* stored;
  float scale, norm;
  float closest;      // greatest cosine to the chosen ones it was compared with, seen from the choosing node
  float root;         // of key
  uint32_t compared;  // with how many of them, in their order
};

inline float Between(const Geometry& g, const Kernels& kernels, const Candidate& a, const Candidate& b) {
  return kernels.between(g, a.stored, a.scale, a.norm, b.stored, b.scale, b.norm);
}

// Reorders `candidates` (`count`, sorted by key) so that the chosen stand first: at most `limit`, diverse ones before
// fillers. Returns how many are chosen; *diverse says how many of them are.
//
// Diverse (Algorithm 4): nearer to the choosing node than to any neighbour chosen before. The slots that stay free are
// filled from the `pool` nearest others, each time with the one whose direction differs most from all chosen: +28 to
// +52 % queries per second at equal recall in the layout study, since all slots are estimated anyway.
inline size_t SelectNeighbours(const Geometry& g, Candidate* candidates, size_t count, size_t limit, size_t pool,
                               size_t* diverse) {
  const Kernels& kernels = GetKernels(g);
  const bool angles = g.metric != Metric::kInnerProduct;  // there they mean little
  const auto compare = [&](Candidate& a, const Candidate& b) {
    const float between = Between(g, kernels, a, b), product = 2 * a.root * b.root;
    if (angles) a.closest = std::max(a.closest, product > 0 ? (a.key + b.key - between) / product : 1.0f);
    ++a.compared;
    return between;
  };
  limit = std::min(limit, kMaxDegree);
  Candidate front[kMaxDegree];
  size_t chosen = 0, others = 0;
  for (size_t i = 0; i < count; ++i) {
    Candidate& candidate = candidates[i];
    candidate.closest = -1, candidate.root = std::sqrt(std::max(candidate.key, 0.0f)), candidate.compared = 0;
    bool keep = chosen < limit;
    for (size_t k = 0; k < chosen && keep; ++k) keep = compare(candidate, front[k]) > candidate.key;
    if (keep)
      front[chosen++] = candidate;
    else
      candidates[others++] = candidate;  // they keep their order
  }
  std::memmove(candidates + chosen, candidates, others * sizeof(Candidate));
  std::memcpy(candidates, front, chosen * sizeof(Candidate));
  *diverse = chosen;
  const size_t end = std::min(count, chosen + pool);
  if (!angles) return std::min(end, limit);
  while (chosen < limit && chosen < end) {
    size_t best = chosen;
    for (size_t i = chosen; i < end; ++i) {
      while (candidates[i].compared < chosen) compare(candidates[i], candidates[candidates[i].compared]);
      if (candidates[i].closest < candidates[best].closest) best = i;
    }
    std::swap(candidates[chosen], candidates[best]);
    ++chosen;
  }
  return chosen;
}

}  // namespace medvec::hnsw
