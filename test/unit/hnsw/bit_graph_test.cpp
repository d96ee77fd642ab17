// Search over bit strings, whose neighbours' distances are known exactly.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "../../support/memory_graph.hpp"
#include "core/bit_distance.hpp"
#include "core/hnsw/choose_bit_geometry.hpp"
#include "core/hnsw/insert.hpp"
#include "core/hnsw/search.hpp"

namespace medvec::hnsw {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr size_t kBits = 512, kRows = 1000;

// A few bits set in common with others of the cluster, a few of its own, as fingerprints have them.
Bytes Draw(std::mt19937& random) {
  Bytes bytes(kBits / 8);
  const auto set = [&](size_t bit) { bytes[bit / 8] |= 1 << bit % 8; };
  std::mt19937 cluster(random() % 30);
  for (int i = 0; i < 30; ++i)
    if (const size_t bit = cluster() % kBits; random() % 4 > 0) set(bit);
  for (int i = 0; i < 15; ++i) set(random() % kBits);
  return bytes;
}

double Distance(Metric metric, const Bytes& a, const Bytes& b) {
  const BitDistanceKernels& kernels = GetBitDistanceKernels();
  return metric == Metric::kHamming ? kernels.hamming(a.data(), b.data(), a.size())
                                    : JaccardDistance(kernels.overlap(a.data(), b.data(), a.size()));
}

// Each node is known by several neighbours. What they say is the same, and a node is visited only where it is near
// enough for the beam: not far more nodes than it holds, and none of them lost.
TEST(HnswBitGraphTest, VisitsNoMoreThanTheBeamAsksFor) {
  for (const Metric metric : {Metric::kHamming, Metric::kJaccard}) {
    const Space space{ChooseBitGeometry(kBits, metric, 16).geometry, nullptr, nullptr};
    MemoryGraph graph(space.geometry);
    std::vector<char> buffer(QueryBufferSize(space.geometry));
    InsertParameters parameters;
    parameters.ef_construction = 64;
    std::mt19937 random(7);
    std::mt19937_64 levels(3);
    std::vector<Bytes> rows;
    for (graph.row = 0; graph.row < kRows; ++graph.row) {
      rows.push_back(Draw(random));
      Insert(space, graph, HeapMemory(), {.bits = rows.back().data()}, DrawLevel(levels()), parameters);
    }
    const size_t ef = 80, k = 20;
    size_t hops = 0, found = 0;
    for (const Bytes& row : rows) {
      std::vector<double> exact;
      for (const Bytes& other : rows) exact.push_back(Distance(metric, row, other));
      std::ranges::nth_element(exact, exact.begin() + k - 1);
      Query query = GetKernels(space.geometry).make_query(space, {.bits = row.data()}, buffer.data());
      Search<MemoryGraph> search(space, graph, HeapMemory(), query, Bound(space, 0), ef);
      Answer answer;
      for (size_t i = 0; i < k && search.Next(&answer); ++i)
        found += Distance(metric, row, rows[answer.target]) <= exact[k - 1];
      hops += search.hops();
      search.Free();
    }
    EXPECT_LT(hops, kRows * (ef + ef / 2) * 5 / 4) << int(metric);
    EXPECT_GT(found, kRows * k * 0.995) << int(metric);
  }
}

}  // namespace
}  // namespace medvec::hnsw
