// An index of vectors in memory, of any family: insertion, search, recall, and what vacuum does.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <set>
#include <vector>

#include "../../support/memory_graph.hpp"
#include "core/bit_distance.hpp"
#include "core/distance.hpp"
#include "core/hnsw/insert.hpp"
#include "core/hnsw/repair.hpp"
#include "core/sparse_distance.hpp"

namespace medvec::hnsw {

using Floats = std::vector<float>;
struct Bits {
  std::vector<uint8_t> bytes;
};
struct Sparse {
  std::vector<int32_t> indices;
  Floats values;
  SparseView view() const { return {indices.data(), values.data(), indices.size()}; }
};

inline Input InputOf(const Floats& v) { return {.elements = v.data()}; }
inline Input InputOf(const Bits& v) { return {.bits = v.bytes.data()}; }
inline Input InputOf(const Sparse& v) { return {.nonzeros = v.view()}; }

inline double LengthOf(const Floats& v) { return std::sqrt(GetDistanceKernels().norm_squared(v.data(), v.size())); }
inline double LengthOf(const Bits&) { return 0; }
inline double LengthOf(const Sparse& v) { return std::sqrt(SparseNormSquared(v.view())); }

// As the operators compute them.
inline double DistanceOf(Metric metric, const Floats& a, const Floats& b) {
  const auto& kernels = GetDistanceKernels();
  if (metric == Metric::kInnerProduct) return -kernels.inner_product(a.data(), b.data(), a.size());
  if (metric == Metric::kL1) return kernels.l1(a.data(), b.data(), a.size());
  if (metric == Metric::kCosine) return CosineDistance(kernels.cosine(a.data(), b.data(), a.size()));
  return std::sqrt(static_cast<double>(kernels.l2_squared(a.data(), b.data(), a.size())));
}
inline double DistanceOf(Metric metric, const Bits& a, const Bits& b) {
  const auto& kernels = GetBitDistanceKernels();
  if (metric == Metric::kHamming) return kernels.hamming(a.bytes.data(), b.bytes.data(), a.bytes.size());
  return JaccardDistance(kernels.overlap(a.bytes.data(), b.bytes.data(), a.bytes.size()));
}
inline double DistanceOf(Metric metric, const Sparse& a, const Sparse& b) {
  if (metric == Metric::kInnerProduct) return -SparseInnerProduct(a.view(), b.view());
  if (metric == Metric::kL1) return SparseL1(a.view(), b.view());
  if (metric == Metric::kCosine) return CosineDistance(SparseCosine(a.view(), b.view()));
  return std::sqrt(static_cast<double>(SparseL2Squared(a.view(), b.view())));
}

// What an index gets under cosine.
inline Sparse Normalised(Sparse v) {
  const double length = LengthOf(v);
  for (float& x : v.values) x = static_cast<float>(x / length);
  return v;
}

// A space and what it refers to.
struct OwnSpace {
  explicit OwnSpace(const Geometry& g)
      : rotation(g.codec == VectorCodec::kBits ? 0 : g.dim, 9), table(rotation.table_size() / 8) {
    rotation.Prepare(table.data());
    space = {g, &rotation, nullptr};
  }
  OwnSpace(const OwnSpace&) = delete;
  Rotation rotation;
  std::vector<uint64_t> table;
  Space space;
};

template <class Vector>
class TestIndex : OwnSpace {
 public:
  explicit TestIndex(const Geometry& g, size_t ef_construction = 64)
      : OwnSpace(g), geometry(g), graph(g), buffer_(QueryBufferSize(g)) {
    parameters_.ef_construction = ef_construction;
  }

  Inserted Add(const Vector& v) {
    vectors.push_back(v);
    const uint32_t row = static_cast<uint32_t>(vectors.size() - 1);
    graph.row = row;
    const Inserted inserted =
        Insert(space, graph, HeapMemory(), InputOf(vectors.back()), DrawLevel(random_()), parameters_);
    if (rows.size() <= inserted.node) rows.resize(graph.size());
    rows[inserted.node].push_back(row);
    float& error = Header(graph.At(inserted.node)).error;
    error = std::max(error, inserted.error);
    return inserted;
  }
  double Distance(const Vector& a, const Vector& b) const { return DistanceOf(geometry.metric, a, b); }
  std::vector<Answer> Find(const Vector& q, size_t k, size_t ef, bool strict = true) {
    Query query = GetKernels(geometry).make_query(space, InputOf(q), buffer_.data());
    Search<MemoryGraph> search(space, graph, HeapMemory(), query, Bound(space, LengthOf(q)), ef, ef + ef / 2);
    std::vector<Answer> answers;
    Answer answer;
    while (answers.size() < k && search.Next(&answer, strict)) answers.push_back(answer);
    hops = search.hops();
    search.Free();
    return answers;
  }
  // Distances of the first k rows as the executor gives them out: it computes the distance of each, and waits until no
  // later one can be nearer.
  std::vector<double> Nearest(const Vector& q, size_t k, size_t ef) {
    Query query = GetKernels(geometry).make_query(space, InputOf(q), buffer_.data());
    Search<MemoryGraph> search(space, graph, HeapMemory(), query, Bound(space, LengthOf(q)), ef, ef + ef / 2);
    std::multiset<double> waiting;
    std::vector<double> given;
    Answer answer;
    rechecked = 0;
    while (given.size() < k) {
      const bool found = search.Next(&answer);
      while (!waiting.empty() && given.size() < k && (!found || *waiting.begin() <= answer.bound)) {
        given.push_back(*waiting.begin());
        waiting.erase(waiting.begin());
      }
      if (!found) break;
      for (const uint32_t row : rows[answer.node]) waiting.insert(Distance(q, vectors[row])), ++rechecked;
    }
    hops = search.hops();
    search.Free();
    return given;
  }
  double RecallOfExecutor(const std::vector<Vector>& queries, size_t k, size_t ef) {
    size_t right = 0;
    for (const Vector& q : queries) {
      std::vector<double> all;
      for (const Vector& v : vectors) all.push_back(Distance(q, v));
      std::nth_element(all.begin(), all.begin() + k - 1, all.end());
      const std::vector<double> given = Nearest(q, k, ef);
      EXPECT_TRUE(std::is_sorted(given.begin(), given.end()));
      EXPECT_EQ(given.size(), k);
      for (const double distance : given) right += distance <= all[k - 1];
    }
    return static_cast<double>(right) / static_cast<double>(k * queries.size());
  }
  // Share of the true k nearest rows among the first k rows of the answers.
  double Recall(const std::vector<Vector>& queries, size_t k, size_t ef, const std::set<uint32_t>& deleted = {}) {
    size_t right = 0;
    for (const Vector& q : queries) {
      std::vector<double> all;
      for (uint32_t i = 0; i < vectors.size(); ++i)
        if (!deleted.contains(i)) all.push_back(Distance(q, vectors[i]));
      std::nth_element(all.begin(), all.begin() + k - 1, all.end());
      const double farthest = all[k - 1] + 1e-6 * (1 + std::abs(all[k - 1]));
      size_t taken = 0;
      for (const Answer& answer : Find(q, k, ef))
        for (const uint32_t row : rows[answer.node])
          if (taken < k && !deleted.contains(row)) ++taken, right += Distance(q, vectors[row]) <= farthest;
    }
    return static_cast<double>(right) / static_cast<double>(k * queries.size());
  }
  // The interval of each answer contains the distances of all the node's rows.
  void ExpectBoundsHold(const Vector& q) {
    for (const Answer& answer : Find(q, vectors.size(), 50, false))
      for (const uint32_t row : rows[answer.node]) {
        const double distance = Distance(q, vectors[row]);
        ASSERT_LE(answer.bound, distance) << "row " << row;
        ASSERT_GE(answer.upper, distance) << "row " << row;
      }
  }
  // Every row comes once.
  std::set<uint32_t> FindAll(const Vector& q) {
    std::set<uint32_t> found;
    for (const Answer& answer : Find(q, vectors.size(), 200, false))
      for (const uint32_t row : rows[answer.node]) EXPECT_TRUE(found.insert(row).second);
    return found;
  }
  // The nodes of level 0.
  std::vector<NodeId> Bottom() {
    std::vector<NodeId> nodes;
    for (NodeId n = 0; n < rows.size(); ++n)
      if (!rows[n].empty()) nodes.push_back(n);
    return nodes;
  }

  // Marks nodes whose first row is dead, mends, replaces a dead entry, and connects whom nobody links to. Returns the
  // rows of live nodes.
  std::set<uint32_t> Vacuum(const std::vector<bool>& dead_rows) {
    std::vector<bool> dead(graph.size());
    std::set<uint32_t> live;
    for (const NodeId n : Bottom()) {
      if (dead_rows[rows[n][0]])
        dead[n] = true;
      else
        live.insert(rows[n].begin(), rows[n].end());
    }
    Entry best;
    for (NodeId n = 0; n < graph.size(); ++n) {
      uint8_t* block = graph.At(n);
      if (Header(block).level > 0) dead[n] = dead[Header(block).target];
      if (dead[n]) Header(block).flags |= kDead;
      if (!dead[n] && (best.node == kNoNode || Header(block).level > best.level)) best = {n, Header(block).level};
    }
    for (NodeId n = 0; n < graph.size(); ++n)
      if (!dead[n]) Repair(space, graph, HeapMemory(), n, [&](NodeId m) { return dead[m]; });
    if (graph.GetEntry().node != kNoNode && dead[graph.GetEntry().node]) graph.ReplaceEntry(best);
    std::set<NodeId> linked{graph.GetEntry().node};
    for (NodeId n = 0; n < graph.size(); ++n) {
      const uint8_t* block = graph.At(n);
      if (dead[n]) continue;
      if (Header(block).level > 0) linked.insert(Header(block).target);
      linked.insert(Links(block), Links(block) + Header(block).degree);
    }
    for (NodeId n = 0; n < graph.size(); ++n)
      if (!dead[n] && !linked.contains(n) && Header(graph.At(n)).level == 0) Connect(space, graph, HeapMemory(), n, {});
    return live;
  }

  using OwnSpace::rotation;
  using OwnSpace::space;
  const Geometry geometry;
  MemoryGraph graph;
  std::vector<Vector> vectors;
  std::vector<std::vector<uint32_t>> rows;  // of each node
  size_t hops = 0, rechecked = 0;           // of the last search

 private:
  std::vector<char> buffer_;
  InsertParameters parameters_;
  std::mt19937_64 random_{3};
};

}  // namespace medvec::hnsw
