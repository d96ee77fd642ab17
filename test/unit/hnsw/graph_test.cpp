// Search, insertion and repair on the graph in memory.
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "core/hnsw/choose_geometry.hpp"
#include "test_index.hpp"

namespace medvec::hnsw {
namespace {

using Index = TestIndex<Floats>;

// Clusters, so that the walk has to find its way between them.
struct Data {
  explicit Data(size_t dim) : dim(dim) {
    for (int i = 0; i < 40; ++i) centres.push_back(Draw(2));
  }
  Floats Draw(float size) {
    Floats v(dim);
    for (float& x : v) x = size * normal(random);
    return v;
  }
  Floats Next() {
    Floats v = Draw(1);
    const Floats& centre = centres[random() % centres.size()];
    for (size_t i = 0; i < dim; ++i) v[i] += centre[i];
    return v;
  }
  size_t dim;
  std::mt19937 random{1};
  std::normal_distribution<float> normal;
  std::vector<Floats> centres;
};

std::vector<Floats> Queries(Data& data, size_t count) {
  std::vector<Floats> queries;
  while (queries.size() < count) queries.push_back(data.Next());
  return queries;
}

TEST(HnswGraphTest, RecallOfAllMetricsAndCodecs) {
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kL1})
    for (const VectorCodec codec :
         {VectorCodec::kFloat32, VectorCodec::kFloat16, VectorCodec::kInt8, VectorCodec::kInt12, VectorCodec::kInt16})
      for (const size_t dim : {3, 50, 130}) {
        Data data(dim);
        Index index(MakeGeometry(dim, metric, codec, dim < 100 ? 2 : 1, 24));
        for (int i = 0; i < 2000; ++i) index.Add(data.Next());
        EXPECT_GT(index.Recall(Queries(data, 50), 10, 80), metric == Metric::kL2 ? 0.95 : 0.85)
            << int(metric) << ' ' << int(codec) << ' ' << dim;
      }
}

// A code of half the dimensions, and links for its bytes.
TEST(HnswGraphTest, RecallWithShorterCodes) {
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kL1}) {
    Data data(256);
    Index index(MakeGeometry(256, metric, VectorCodec::kInt8, 1, 24, 128));
    for (int i = 0; i < 2000; ++i) index.Add(data.Next());
    EXPECT_GT(index.Recall(Queries(data, 50), 10, 80), metric == Metric::kL2 ? 0.95 : 0.85) << int(metric);
  }
}

TEST(HnswGraphTest, EmptyAndOneNode) {
  Index index(MakeGeometry(5, Metric::kL2, VectorCodec::kFloat32, 1, 8));
  EXPECT_TRUE(index.Find(Floats(5, 1.0f), 3, 10).empty());
  index.Add(Floats(5, 2.0f));
  EXPECT_EQ(index.Find(Floats(5, 1.0f), 3, 10).size(), 1u);
}

// The stream gives every node once, in order, whatever the width it started with.
TEST(HnswGraphTest, StreamIsCompleteAndOrdered) {
  Data data(40);
  Index index(MakeGeometry(40, Metric::kL2, VectorCodec::kInt8, 1, 24));
  for (int i = 0; i < 3000; ++i) index.Add(data.Next());
  for (const size_t ef : {1, 10, 200}) {
    const std::vector<Answer> strict = index.Find(data.Next(), 100000, ef);
    EXPECT_TRUE(std::is_sorted(strict.begin(), strict.end(),
                               [](const Answer& a, const Answer& b) { return a.bound < b.bound; }));
    const std::vector<Answer> relaxed = index.Find(data.Next(), 100000, ef, false);
    std::set<NodeId> nodes;
    for (const Answer& answer : relaxed) nodes.insert(answer.node);
    EXPECT_EQ(nodes.size(), relaxed.size());
    EXPECT_GT(relaxed.size(), 2950u) << ef;
    EXPECT_GT(strict.size(), 2000u) << ef;
  }
}

// Which nodes may be answers.
struct Among {
  const std::function<bool(NodeId)>* is_wanted;
  bool operator()(Answer* answer, const uint8_t*) const { return (*is_wanted)(answer->node); }
};

struct Filtered {
  size_t answers = 0, right = 0, hops = 0;
  bool is_spent = false;
};

// The ten nearest of the wanted nodes.
Filtered FindAmong(Index& index, const Floats& q, const std::function<bool(NodeId)>& is_wanted,
                   size_t most_hops = std::numeric_limits<size_t>::max(), bool glances = false) {
  std::vector<char> buffer(QueryBufferSize(index.geometry));
  Query query = GetKernels(index.geometry).make_query(index.space, InputOf(q), buffer.data());
  Search<MemoryGraph, Among> search(index.space, index.graph, HeapMemory(), query, Bound(index.space, LengthOf(q)), 40,
                                    60, kDead, Among{&is_wanted});
  search.LimitHops(most_hops, glances);
  std::vector<double> all, found;
  for (const NodeId node : index.Bottom())
    if (is_wanted(node)) all.push_back(index.Distance(q, index.vectors[index.rows[node][0]]));
  std::sort(all.begin(), all.end());
  for (Answer answer; found.size() < 40 && search.Next(&answer);) {
    EXPECT_TRUE(is_wanted(answer.node));
    found.push_back(index.Distance(q, index.vectors[index.rows[answer.node][0]]));
  }
  Filtered result{found.size(), 0, search.hops(), search.is_spent()};
  std::sort(found.begin(), found.end());
  for (size_t i = 0; i < std::min<size_t>(10, found.size()); ++i) result.right += found[i] <= all[9];
  search.Free();
  return result;
}

// A filtered search finds as much as one without a filter: of nodes at random, those near the query, those far from it.
TEST(HnswGraphTest, FilteredSearch) {
  Data data(30);
  Index index(MakeGeometry(30, Metric::kL2, VectorCodec::kInt8, 2, 24));
  for (int i = 0; i < 6000; ++i) index.Add(data.Next());
  const std::vector<Floats> queries = Queries(data, 30);
  const auto everything = [](NodeId) { return true; };
  size_t unfiltered_hops = 0, near_hops = 0, near_right = 0;
  for (const double share : {1.0, 0.5, 0.1, 0.02}) {
    size_t right = 0, hops = 0;
    for (const Floats& q : queries) {
      const double farther = index.Distance(q, data.centres[0]);
      const Filtered random = FindAmong(index, q, [&](NodeId n) { return n * 2654435761u % 1000 < 1000 * share; });
      const Filtered far = FindAmong(index, q, [&](NodeId n) {
        return index.Distance(q, index.vectors[index.rows[n].empty() ? 0 : index.rows[n][0]]) > farther;
      });
      EXPECT_EQ(random.answers, 40u);
      EXPECT_EQ(far.answers, 40u);
      right += random.right, hops += random.hops;
    }
    EXPECT_GT(right, 0.97 * 10 * 30) << share;
    EXPECT_LT(hops, 30 * 6 * 60 / share) << share;
  }
  for (const Floats& q : queries) {
    const Filtered all = FindAmong(index, q, everything);
    // A tenth of the nodes, and the nearest to the query.
    std::vector<std::pair<double, NodeId>> order;
    for (const NodeId node : index.Bottom())
      order.push_back({index.Distance(q, index.vectors[index.rows[node][0]]), node});
    std::sort(order.begin(), order.end());
    std::vector<bool> is_near(order.size() * 2);
    for (size_t i = 0; i < order.size() / 10; ++i) {
      if (order[i].second >= is_near.size()) is_near.resize(order[i].second + 1);
      is_near[order[i].second] = true;
    }
    const Filtered near = FindAmong(index, q, [&](NodeId n) { return n < is_near.size() && is_near[n]; });
    unfiltered_hops += all.hops, near_hops += near.hops, near_right += near.right;
  }
  EXPECT_GT(near_right, 0.97 * 10 * 30);
  EXPECT_LT(near_hops, unfiltered_hops * 5 / 4);
}

TEST(HnswGraphTest, SearchOfLimitedHops) {
  Data data(30);
  Index index(MakeGeometry(30, Metric::kL2, VectorCodec::kInt8, 2, 24));
  for (int i = 0; i < 3000; ++i) index.Add(data.Next());
  const auto few = [](NodeId n) { return n % 500 == 0; };
  const Filtered spent = FindAmong(index, data.Next(), few, 200);
  EXPECT_TRUE(spent.is_spent);
  EXPECT_LE(spent.hops, 200u);
  EXPECT_EQ(spent.answers, 0u);  // asked again it would give what it has found
  EXPECT_FALSE(FindAmong(index, data.Next(), few, 100000).is_spent);
  // A walk that would have to go much farther ends where that is to be seen.
  const Filtered hopeless = FindAmong(
      index, data.Next(), [](NodeId) { return false; }, 2000);
  EXPECT_TRUE(hopeless.is_spent);
  EXPECT_LT(hopeless.hops, 1000u);
  // Or at the first glance, which does not stop one that is not too long.
  const auto half = [](NodeId n) { return (n * 2654435761u >> 16) % 2 == 0; };
  EXPECT_EQ(FindAmong(index, data.Next(), few, 300, true).hops, kGlance);
  const Filtered at_glance = FindAmong(index, data.Next(), half, 600, true);
  EXPECT_FALSE(at_glance.is_spent);
  EXPECT_GE(at_glance.answers, 40u);
}

// Rows that come cluster by cluster, as the frames of one series after another's.
TEST(HnswGraphTest, ClustersOneAfterAnother) {
  for (const size_t dim : {8, 64, 784}) {
    Data data(dim);
    Index index(ChooseGeometry(dim, Metric::kL2, 16, sizeof(float)).geometry);
    std::vector<Floats> queries;
    for (int cluster = 0; cluster < 40; ++cluster) {
      const Floats centre = data.Next();
      for (int i = 0; i < 40; ++i) {
        Floats v = data.Next();
        for (size_t d = 0; d < dim; ++d) v[d] = 30 * centre[d] + v[d];
        if (i % 10 == 7)
          queries.push_back(v);
        else
          index.Add(v);
      }
    }
    // Within a cluster of 64 dimensions all are equally far, and nothing puts the answers in exact order here.
    EXPECT_GT(index.Recall(queries, 10, 40), dim == 64 ? 0.8 : 0.97) << dim;
  }
}

TEST(HnswGraphTest, EqualVectorsShareANode) {
  for (const VectorCodec codec :
       {VectorCodec::kFloat32, VectorCodec::kInt8, VectorCodec::kInt12, VectorCodec::kInt16}) {
    Data data(20);
    Index index(MakeGeometry(20, Metric::kL2, codec, 2, 16));
    const Floats same = data.Next();
    for (int i = 0; i < 3000; ++i) index.Add(i % 3 == 0 ? same : data.Next());
    EXPECT_EQ(index.Find(same, 1, 10).size(), 1u);
    EXPECT_EQ(index.rows[index.Find(same, 1, 10)[0].node].size(), 1000u);
    EXPECT_GT(index.Recall(Queries(data, 50), 10, 60), 0.95);
  }
}

TEST(HnswGraphTest, ZeroAndOneDimensionalVectors) {
  Index zeros(MakeGeometry(6, Metric::kL2, VectorCodec::kInt8, 1, 8));
  for (int i = 0; i < 100; ++i) zeros.Add(Floats(6, 0.0f));
  for (NodeId node = 1; node < zeros.graph.size(); ++node) EXPECT_GT(Header(zeros.graph.At(node)).level, 0);
  EXPECT_EQ(zeros.Find(Floats(6, 1.0f), 5, 10).size(), 1u);
  Index line(MakeGeometry(1, Metric::kL2, VectorCodec::kFloat32, 1, 16));
  for (int i = 0; i < 500; ++i) line.Add({static_cast<float>(i * 7919 % 500)});
  EXPECT_GT(line.Recall({{3.4f}, {250.2f}, {499.0f}, {-5.0f}, {77.7f}}, 10, 60), 0.95);
}

TEST(HnswGraphTest, BoundsHold) {
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kL1})
    for (const VectorCodec codec :
         {VectorCodec::kFloat32, VectorCodec::kFloat16, VectorCodec::kInt8, VectorCodec::kInt12, VectorCodec::kInt16}) {
      Data data(33);
      Index index(MakeGeometry(33, metric, codec, 1, 16));
      for (int i = 0; i < 500; ++i) index.Add(data.Next());
      index.ExpectBoundsHold(data.Next());
      index.ExpectBoundsHold(index.vectors[7]);
    }
}

// Who is chosen as a neighbour links back as long as it has room, so that hardly any node is without a link to it: with
// links back from diverse neighbours alone, one node in five hundred could not be found at all.
TEST(HnswGraphTest, NodesAreLinkedTo) {
  Data data(60);
  Index index(MakeGeometry(60, Metric::kL2, VectorCodec::kInt8, 1, 26));
  for (int i = 0; i < 6000; ++i) index.Add(data.Next());
  std::vector<bool> linked(index.graph.size());
  for (NodeId n = 0; n < index.graph.size(); ++n)
    for (size_t i = 0; i < Header(index.graph.At(n)).degree; ++i) linked[Links(index.graph.At(n))[i]] = true;
  const auto lost = std::count(linked.begin(), linked.end(), false);
  EXPECT_LE(lost, 4);
}

TEST(HnswGraphTest, RepairAfterDeletingATenth) {
  Data data(48);
  Index index(MakeGeometry(48, Metric::kL2, VectorCodec::kInt8, 1, 24));
  for (int i = 0; i < 4000; ++i) index.Add(data.Next());
  const std::vector<Floats> queries = Queries(data, 60);
  const double before = index.Recall(queries, 10, 60);
  std::set<uint32_t> deleted;
  std::vector<bool> dead(index.graph.size());
  for (NodeId n = 0; n < index.graph.size(); ++n) {
    if (Header(index.graph.At(n)).level > 0 || index.rows.size() <= n || index.rows[n].empty()) continue;
    if (n % 10 != 3) continue;
    dead[n] = true;
    Header(index.graph.At(n)).flags |= kDead;
    for (const uint32_t row : index.rows[n]) deleted.insert(row);
  }
  EXPECT_GT(index.Recall(queries, 10, 60, deleted), before - 0.02);  // dead nodes are walked through, not given
  for (NodeId n = 0; n < index.graph.size(); ++n)
    if (!dead[n]) Repair(index.space, index.graph, HeapMemory(), n, [&](NodeId m) { return dead[m]; });
  for (NodeId n = 0; n < index.graph.size(); ++n) {
    if (dead[n]) continue;
    std::set<NodeId> links;
    for (size_t i = 0; i < Header(index.graph.At(n)).degree; ++i) {
      EXPECT_FALSE(dead[Links(index.graph.At(n))[i]]);
      EXPECT_TRUE(links.insert(Links(index.graph.At(n))[i]).second) << "linked twice";
    }
  }
  EXPECT_GT(index.Recall(queries, 10, 60, deleted), before - 0.02);
}

TEST(HnswGraphTest, RepairAfterDeletingNearlyAll) {
  for (const unsigned one_in : {20u, 100u, 500u}) {
    Data data(16);
    Index index(MakeGeometry(16, Metric::kL2, VectorCodec::kInt8, 1, 24));
    std::vector<bool> dead;
    for (unsigned i = 0; i < 3000; ++i) index.Add(data.Next()), dead.push_back(i % one_in != 0);
    // Nearly all neighbours of the neighbours are dead too. Those who live find each other through them.
    const std::set<uint32_t> live = index.Vacuum(dead);
    EXPECT_EQ(live, index.FindAll(data.Next())) << one_in;
  }
}

// Runs `then` when the first block has been appended, before its neighbours are told.
class InterruptedGraph : public MemoryGraph {
 public:
  using MemoryGraph::MemoryGraph;
  NodeId Append(const uint8_t* block, int level) {
    const NodeId node = MemoryGraph::Append(block, level);
    if (then) std::exchange(then, nullptr)();
    return node;
  }
  std::function<void()> then;
};

TEST(HnswGraphTest, NeighboursDieBeforeTheyAreTold) {
  for (const int level : {0, 2}) {
    Data data(16);
    const Geometry g = MakeGeometry(16, Metric::kL2, VectorCodec::kInt8, 1, 16);
    const Rotation rotation = [&] {
      static std::vector<uint64_t> table;
      Rotation r(g.dim, 9);
      table.resize(r.table_size() / 8);
      r.Prepare(table.data());
      return r;
    }();
    const Space space{g, &rotation, nullptr};
    InterruptedGraph graph(g);
    const auto add = [&](Floats v, int on) { return Insert(space, graph, HeapMemory(), {v.data()}, on, {}).node; };
    // Two clusters; the near one dies while its newcomer has written its block.
    std::vector<NodeId> near, far;
    for (int i = 0; i < 200; ++i) near.push_back(add(data.Draw(1), 0));
    for (int i = 0; i < 60; ++i) {
      Floats v = data.Draw(1);
      v[0] += 1000;
      far.push_back(add(v, 0));
    }
    graph.then = [&] {
      for (const NodeId n : near) Header(graph.At(n)).flags |= kDead;
      const auto is_dead = [&](NodeId n) { return (Header(graph.At(n)).flags & kDead) != 0; };
      for (const NodeId n : far) Repair(space, graph, HeapMemory(), n, is_dead);
      graph.ReplaceEntry({far[0], 0});
    };
    const NodeId node = add(data.Draw(1), level);
    size_t known = 0;
    for (const NodeId n : far)
      for (size_t i = 0; i < Header(graph.At(n)).degree; ++i) known += Links(graph.At(n))[i] == node;
    EXPECT_GT(known, 0u);
    EXPECT_GT(Header(graph.At(node)).degree, 0u);
    for (size_t i = 0; i < Header(graph.At(node)).degree; ++i)
      EXPECT_FALSE(Header(graph.At(Links(graph.At(node))[i])).flags & kDead);
    EXPECT_EQ(graph.GetEntry().level, level);
  }
}

TEST(HnswGraphTest, BlocksOfOtherLevelsAreNoWayDown) {
  Data data(16);
  Index index(MakeGeometry(16, Metric::kL2, VectorCodec::kInt8, 1, 16));
  for (int i = 0; i < 500; ++i) index.Add(data.Next());
  for (const int level : {4, 5}) {
    Floats v = data.Next();
    index.vectors.push_back(v);
    index.graph.row = static_cast<uint32_t>(index.vectors.size() - 1);
    Insert(index.space, index.graph, HeapMemory(), {v.data()}, level, {});
  }
  // The way down goes from level 4 of the first to its level 3, whose link leads to level 5 of the second: as where an
  // insertion failed half-way and its neighbour's slot has come into use again.
  const Entry second = index.graph.GetEntry();
  ASSERT_EQ(second.level, 5);
  for (NodeId n = 0; n < index.graph.size(); ++n) {
    uint8_t* block = index.graph.At(n);
    if (Header(block).level == 3) Links(block)[0] = second.node, Header(block).degree = 1;
    if (Header(block).level != 4 || n + 1 == second.node) continue;
    Header(block).degree = 0;
    index.graph.ReplaceEntry({n, 4});
  }
  EXPECT_GT(index.Find(index.vectors[501], 400, 100).size(), 300u);
}

}  // namespace
}  // namespace medvec::hnsw
