// Sparse vectors: bounds, what a block holds, and the graph.
#include <map>

#include "../guarded_buffer.hpp"
#include "core/hnsw/choose_sparse_geometry.hpp"
#include "test_index.hpp"

namespace medvec::hnsw {
namespace {

using Index = TestIndex<Sparse>;

constexpr Metric kMetrics[] = {Metric::kL2, Metric::kInnerProduct, Metric::kCosine, Metric::kL1};
constexpr int32_t kDim = 30000;

std::mt19937 generator;

class HnswSparseTest : public testing::Test {
 protected:
  void SetUp() override { generator.seed(17); }
};

Sparse FromMap(const std::map<int32_t, float>& elements) {
  Sparse v;
  for (const auto& [index, value] : elements)
    if (value != 0) v.indices.push_back(index), v.values.push_back(value);
  return v;
}
template <class Value>
Sparse Draw(size_t nonzeros, Value value, int32_t dim = kDim) {
  std::map<int32_t, float> elements;
  while (elements.size() < nonzeros) elements[static_cast<int32_t>(generator() % static_cast<uint32_t>(dim))] = value();
  return FromMap(elements);
}
float Normal() { return std::normal_distribution<float>()(generator); }
float HeavyTailed() { return std::exp(3 * Normal()) * (generator() % 2 ? 1.0f : -1.0f); }

// Texts of some topics, as counts of words or as the weights that a model of language gives (SPLADE).
class Texts {
 public:
  explicit Texts(bool counts) : counts_(counts) {
    for (auto& topic : topics_)
      for (int i = 0; i < 300; ++i) topic.push_back(Word());
  }
  Sparse Next() {
    const auto& topic = topics_[generator() % std::size(topics_)];
    const size_t wanted = 20 + generator() % 281;
    std::map<int32_t, float> words;
    while (words.size() < wanted) {
      const int32_t word = generator() % 3 != 0 ? topic[Rank(300)] : Word();
      if (counts_)
        words[word] += 1;
      else
        words.try_emplace(word, std::abs(Normal()) + 0.1f);
    }
    return FromMap(words);
  }
  std::vector<Sparse> Several(size_t count) {
    std::vector<Sparse> several;
    while (several.size() < count) several.push_back(Next());
    return several;
  }

 private:
  // Few are frequent (Zipf).
  static size_t Rank(size_t count) {
    return static_cast<size_t>(std::pow(static_cast<double>(count), generator() / 4294967296.0)) - 1;
  }
  static int32_t Word() { return static_cast<int32_t>(Rank(kDim) * 7919 % kDim); }
  const bool counts_;
  std::vector<int32_t> topics_[30];
};

Sparse For(Metric metric, const Sparse& v) { return metric == Metric::kCosine ? Normalised(v) : v; }

// ---- Bounds

void ExpectBoundsHold(Metric metric, size_t room, const std::vector<Sparse>& vectors, const char* kind) {
  Index index(ChooseSparseGeometry(metric, 12, room).geometry);
  for (const Sparse& v : vectors)
    if (metric != Metric::kCosine || !v.indices.empty()) index.Add(For(metric, v));
  for (size_t i = 0; i < vectors.size(); i += 1 + vectors.size() / 4) {
    if (metric == Metric::kCosine && vectors[i].indices.empty()) continue;
    SCOPED_TRACE(testing::Message() << kind << ", metric " << int(metric) << ", room for " << room);
    index.ExpectBoundsHold(For(metric, vectors[i]));
    // A query may have more non-zeros than a block has room for, too.
    index.ExpectBoundsHold(For(metric, Draw(500, Normal)));
  }
}

template <class Make>
std::vector<Sparse> Several(size_t count, Make make) {
  std::vector<Sparse> several;
  while (several.size() < count) several.push_back(make());
  return several;
}

TEST_F(HnswSparseTest, BoundsHold) {
  const struct {
    const char* kind;
    std::vector<Sparse> vectors;
  } sets[] = {
      {"normal", Several(150, [] { return Draw(1 + generator() % 200, Normal); })},
      {"in few places", Several(150, [] { return Draw(1 + generator() % 30, Normal, 40); })},
      {"heavy-tailed", Several(150, [] { return Draw(1 + generator() % 200, HeavyTailed); })},
      {"equal magnitudes", Several(150, [] { return Draw(1 + generator() % 200, [] { return 1.0f; }); })},
      {"tiny", Several(100, [] { return Draw(1 + generator() % 50, [] { return 1e-30f * Normal(); }); })},
      {"least", Several(100, [] { return Draw(1 + generator() % 50, [] { return 1e-44f; }); })},
      {"huge", Several(100, [] { return Draw(1 + generator() % 50, [] { return 1e37f * Normal(); }); })},
      {"sums overflow", Several(100, [] { return Draw(1 + generator() % 50, [] { return 1e18f * Normal(); }); })},
      {"greatest", Several(60, [] { return Draw(generator() % 9, [] { return generator() % 2 ? 3e38f : -3e38f; }); })},
      {"unlike", Several(100, [] { return Draw(1 + generator() % 50, [] { return std::pow(10.0f, 9 * Normal()); }); })},
  };
  for (const auto& set : sets)
    for (const Metric metric : kMetrics)
      for (const size_t room : {1, 7, 64, 200}) ExpectBoundsHold(metric, room, set.vectors, set.kind);
}

// Stored by its greatest; the error is the length of the rest.
TEST_F(HnswSparseTest, LongVectorsAreStoredByTheirGreatest) {
  const OwnSpace own(MakeSparseGeometry(Metric::kL2, 3, 4));
  const Geometry& g = own.space.geometry;
  std::vector<char> buffer(QueryBufferSize(g));
  const Kernels& kernels = KernelsOfSparse();
  const struct {
    Sparse v;
    std::vector<int32_t> kept;
    double error;
  } cases[] = {{{{1, 5, 9, 70000}, {3, -4, 1, 2}}, {1, 5, 70000}, 1},
               {{{0, 1, 2, 3, 4}, {1, 1, -1, 1, 1}}, {0, 1, 2}, std::sqrt(2.0)},
               {{{0, 1, 2, 3, 4}, {1, -1, 5, 1, 1}}, {0, 1, 2}, std::sqrt(2.0)},
               {{{2, 7, 999999999}, {1e-40f, 1, 2}}, {2, 7, 999999999}, 0},
               {{{}, {}}, {}, 0}};
  for (const auto& [v, kept, error] : cases) {
    GuardedBuffer<uint32_t> memory(g.block_size / 4);
    uint8_t* block = reinterpret_cast<uint8_t*>(memory.All().data());
    const Query query = kernels.make_query(own.space, InputOf(v), buffer.data());
    kernels.encode_vector(own.space, query, block);
    const Stored stored = OwnVector(g, block);
    uint32_t count;
    std::memcpy(&count, stored.bytes, 4);
    std::vector<int32_t> indices(count);
    std::copy_n(reinterpret_cast<const int32_t*>(stored.bytes + 4), count, indices.begin());
    EXPECT_EQ(indices, kept);
    EXPECT_NEAR(Header(block).error, error, 1e-5);
    EXPECT_GE(Header(block).error, error);
    EXPECT_LE(kernels.error(own.space, query, stored), Header(block).error);
    EXPECT_TRUE(kernels.is_sound(own.space, stored));
    EXPECT_FLOAT_EQ(kernels.norm(g, stored.bytes, stored.scale) + static_cast<float>(error * error),
                    static_cast<float>(SparseNormSquared(v.view())));
  }
}

// Every damage that would lead a reader astray is found.
TEST_F(HnswSparseTest, ImpossibleVectorsAreFound) {
  const OwnSpace own(MakeSparseGeometry(Metric::kL2, 8, 4));
  const Geometry& g = own.space.geometry;
  std::vector<char> buffer(QueryBufferSize(g));
  std::vector<uint32_t> memory(g.block_size / 4);
  uint8_t* block = reinterpret_cast<uint8_t*>(memory.data());
  const auto sound = [&] { return KernelsOfSparse().is_sound(own.space, OwnVector(g, block)); };
  const auto write = [&](size_t at, auto value) { std::memcpy(block + g.vector + at, &value, sizeof value); };
  const Sparse v{{1, 5, 9}, {1, 2, 3}};
  for (int damage = 0; damage < 8; ++damage) {
    KernelsOfSparse().encode_vector(own.space, KernelsOfSparse().make_query(own.space, InputOf(v), buffer.data()),
                                    block);
    EXPECT_TRUE(sound());
    if (damage == 0) write(0, uint32_t{9});
    if (damage == 1) write(0, uint32_t{0xffffffff});
    if (damage == 2) write(4, int32_t{-1});
    if (damage == 3) write(4, int32_t{5});
    if (damage == 4) write(8, int32_t{10});
    if (damage == 5) write(4 + 4 * 8, 0.0f);
    if (damage == 6) write(4 + 4 * 8, std::numeric_limits<float>::infinity());
    if (damage == 7) write(4 + 4 * 8 + 4, std::numeric_limits<float>::quiet_NaN());
    EXPECT_FALSE(sound()) << damage;
  }
}

// ---- Graphs

TEST_F(HnswSparseTest, Recall) {
  for (const bool counts : {true, false})
    for (const Metric metric : kMetrics) {
      Texts texts(counts);
      Index index(ChooseSparseGeometry(metric, 16, 300).geometry);
      for (int i = 0; i < 1500; ++i) index.Add(For(metric, texts.Next()));
      std::vector<Sparse> queries;
      for (int i = 0; i < 20; ++i) queries.push_back(For(metric, texts.Next()));
      EXPECT_GT(index.RecallOfExecutor(queries, 10, 40), 0.94) << counts << ' ' << int(metric);
      EXPECT_GT(index.RecallOfExecutor(queries, 10, 100), 0.985) << counts << ' ' << int(metric);
      EXPECT_LT(index.rechecked, 20u);  // distances are known but for rounding
      EXPECT_GT(index.RecallOfExecutor(queries, 10, 200), 0.99) << counts << ' ' << int(metric);
    }
}

// Intervals are wide, and more rows are looked at, but the answers are right.
TEST_F(HnswSparseTest, RecallOfLongVectors) {
  for (const Metric metric : kMetrics) {
    Texts texts(true);
    Index index(ChooseSparseGeometry(metric, 16, 40).geometry);
    for (int i = 0; i < 1000; ++i) index.Add(For(metric, texts.Next()));
    std::vector<Sparse> queries;
    for (int i = 0; i < 20; ++i) queries.push_back(For(metric, texts.Next()));
    EXPECT_GT(index.RecallOfExecutor(queries, 10, 40), 0.95) << int(metric);
  }
}

TEST_F(HnswSparseTest, EmptyAndShortVectors) {
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kL1}) {
    Index index(ChooseSparseGeometry(metric, 16, 8).geometry);
    for (int i = 0; i < 600; ++i) index.Add(Draw(static_cast<size_t>(i) % 3, Normal, 50));
    const Sparse none;
    EXPECT_EQ(index.Find(none, 1, 40).size(), 1u);
    EXPECT_EQ(index.FindAll(none).size(), 600u);
    EXPECT_EQ(index.FindAll(index.vectors[1]).size(), 600u);
    // All empty ones share a node.
    size_t most = 0;
    for (const auto& rows : index.rows) most = std::max(most, rows.size());
    EXPECT_EQ(most, 200u);
    EXPECT_GT(index.RecallOfExecutor({none, Draw(1, Normal, 50), Draw(2, Normal, 50), Draw(30, Normal, 50)}, 10, 100),
              0.9)
        << int(metric);
  }
}

// Their stored parts are equal, their rests are not: the node's error is that of the longest rest.
TEST_F(HnswSparseTest, VectorsThatAreEqualAsStored) {
  Index index(MakeSparseGeometry(Metric::kL2, 2, 16));
  for (int i = 0; i < 200; ++i) {
    const float value = 1e-8f * static_cast<float>(i % 50);
    Sparse v{{1, 2, 3 + i % 2}, {100, static_cast<float>(1 + i / 100), value}};
    if (value == 0) v.indices.pop_back(), v.values.pop_back();
    index.Add(v);
  }
  EXPECT_LE(index.Bottom().size(), 4u);
  for (const int row : {0, 49, 150}) index.ExpectBoundsHold(index.vectors[static_cast<size_t>(row)]);
  EXPECT_EQ(index.RecallOfExecutor({index.vectors[7]}, 10, 40), 1);
}

TEST_F(HnswSparseTest, RepairAfterDeletions) {
  for (const Metric metric : {Metric::kL2, Metric::kCosine})
    for (const unsigned alive_of_ten : {9u, 1u}) {
      Texts texts(true);
      Index index(ChooseSparseGeometry(metric, 16, 300).geometry);
      std::vector<bool> dead;
      for (unsigned i = 0; i < 1000; ++i) index.Add(For(metric, texts.Next())), dead.push_back(i % 10 >= alive_of_ten);
      const std::set<uint32_t> live = index.Vacuum(dead);
      EXPECT_EQ(index.FindAll(For(metric, texts.Next())), live);
      std::set<uint32_t> deleted;
      for (uint32_t row = 0; row < dead.size(); ++row)
        if (!live.contains(row)) deleted.insert(row);
      EXPECT_GT(index.Recall({For(metric, texts.Next()), For(metric, texts.Next())}, 10, 100, deleted), 0.94);
    }
}

}  // namespace
}  // namespace medvec::hnsw
