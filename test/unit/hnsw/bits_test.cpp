// Bit strings: counts of every instruction set against bits counted one by one, and the graph.
#define HWY_WANT_AVX3_DL

#include <span>
#include <string>

#include "../guarded_buffer.hpp"
#include "../target_fixture.hpp"
#include "core/hnsw/bit_kernels.hpp"
#include "core/hnsw/choose_bit_geometry.hpp"
#include "test_index.hpp"

namespace medvec::hnsw {
namespace {

using Index = TestIndex<Bits>;
using Bytes = std::span<const uint8_t>;

bool BitOf(Bytes bytes, size_t i) { return bytes[i / 8] >> i % 8 & 1; }
template <class Predicate>
uint32_t CountIf(size_t bytes, Predicate predicate) {
  uint32_t count = 0;
  for (size_t i = 0; i < 8 * bytes; ++i) count += predicate(i);
  return count;
}

class BitKernelsTest : public TargetTest {
 protected:
  void SetUp() override {
    TargetTest::SetUp();
    kernels_ = &GetBitKernels();
  }
  void Check(Bytes codes, size_t count, Bytes a, Bytes b) {
    const size_t bytes = a.size();
    EXPECT_EQ(kernels_->ones(a.data(), bytes), CountIf(bytes, [&](size_t i) { return BitOf(a, i); })) << bytes;
    EXPECT_EQ(kernels_->differing(a.data(), b.data(), bytes),
              CountIf(bytes, [&](size_t i) { return BitOf(a, i) != BitOf(b, i); }))
        << bytes;
    std::vector<uint32_t> differing(count), ones(count), within(count);
    kernels_->differing_codes(codes.data(), count, bytes, a.data(), differing.data());
    kernels_->ones_of_codes(codes.data(), count, bytes, ones.data());
    kernels_->differing_within(codes.data(), count, bytes, a.data(), b.data(), within.data());
    for (size_t k = 0; k < count; ++k) {
      const Bytes code = codes.subspan(k * bytes, bytes);
      EXPECT_EQ(differing[k], CountIf(bytes, [&](size_t i) { return BitOf(code, i) != BitOf(a, i); })) << bytes;
      EXPECT_EQ(ones[k], CountIf(bytes, [&](size_t i) { return BitOf(code, i); })) << bytes;
      EXPECT_EQ(within[k], CountIf(bytes, [&](size_t i) { return BitOf(code, i) != BitOf(a, i) && BitOf(b, i); }))
          << bytes;
    }
  }
  void Fill(std::span<uint8_t> bytes) {
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
  }

  const BitKernels* kernels_ = nullptr;
  std::mt19937 random_{5};
};

// Buffers end where memory does: nothing behind them is read, whatever their alignment.
TEST_P(BitKernelsTest, AgreeWithBitsCountedOneByOne) {
  constexpr size_t kMost = 1048, kCount = 5;
  GuardedBuffer<uint8_t> codes(kCount * kMost), a(kMost), b(kMost);
  for (size_t bytes = 8; bytes <= kMost; bytes += bytes < 300 ? 8 : 184) {
    Fill(codes.Last(kCount * bytes)), Fill(a.Last(bytes)), Fill(b.Last(bytes));
    Check(codes.Last(kCount * bytes), kCount, a.Last(bytes), b.Last(bytes));
    Check(codes.Last(bytes), 1, a.Last(bytes), b.Last(bytes));
  }
}

TEST_P(BitKernelsTest, AnyAlignment) {
  std::vector<uint8_t> codes(3 * 136 + 8), a(136 + 8), b(136 + 8);
  Fill(codes), Fill(a), Fill(b);
  for (size_t offset = 0; offset < 8; ++offset)
    Check(Bytes(codes).subspan(offset, 3 * 136), 3, Bytes(a).subspan(7 - offset, 136), Bytes(b).subspan(3, 136));
}

TEST_P(BitKernelsTest, AllOnes) {
  const std::vector<uint8_t> ones(kMaxBits / 8, 0xff), zeros(kMaxBits / 8);
  for (const size_t bytes : {size_t{8}, size_t{8000}, ones.size()}) {
    EXPECT_EQ(kernels_->ones(ones.data(), bytes), 8 * bytes);
    EXPECT_EQ(kernels_->differing(ones.data(), zeros.data(), bytes), 8 * bytes);
    uint32_t count;
    kernels_->differing_within(ones.data(), 1, bytes, zeros.data(), ones.data(), &count);
    EXPECT_EQ(count, 8 * bytes);
  }
}

MEDVEC_TEST_ON_TARGETS(BitKernelsTest);

// ---- Blocks

constexpr Metric kMetrics[] = {Metric::kHamming, Metric::kJaccard};

std::mt19937 generator;

class HnswBitsTest : public testing::Test {
 protected:
  void SetUp() override { generator.seed(11); }
};

// `share` of the bits are set.
Bits Draw(size_t dim, double share = 0.5) {
  Bits bits{std::vector<uint8_t>((dim + 7) / 8)};
  for (size_t i = 0; i < dim; ++i)
    if (std::uniform_real_distribution(0.0, 1.0)(generator) < share)
      bits.bytes[i / 8] |= static_cast<uint8_t>(0x80 >> i % 8);
  return bits;
}
// Each bit is another with probability `share`.
Bits Flip(Bits bits, size_t dim, double share) {
  const Bits flips = Draw(dim, share);
  for (size_t i = 0; i < bits.bytes.size(); ++i) bits.bytes[i] ^= flips.bytes[i];
  return bits;
}

// A node's block and its neighbours', at the ends of readable memory.
class TestBlocks : OwnSpace {
 public:
  TestBlocks(const Geometry& g, const Bits& own, const std::vector<Bits>& neighbours)
      : OwnSpace(g), g_(g), own_(g.block_size / 4), other_(g.block_size / 4), query_(QueryBufferSize(g)) {
    std::vector<char> scratch(LinkScratchSize(g));
    Encode(own, block());
    for (const Bits& neighbour : neighbours) {
      Encode(neighbour, other());
      SetLink(space, block(), Header(block()).degree, 1, OwnVector(g, other()), false, scratch.data());
    }
  }
  Query MakeQuery(const Bits& bits) { return kernels_.make_query(space, InputOf(bits), query_.data()); }
  float Visit(const Bits& bits, float* estimates, float* deviations) {
    Query query = MakeQuery(bits);
    const Distances distances = kernels_.visit(space, query, block());
    EXPECT_EQ(distances.navigation, distances.rank);
    kernels_.estimate(space, query, block(), distances.navigation, estimates, deviations);
    return distances.rank;
  }
  uint8_t* block() { return reinterpret_cast<uint8_t*>(own_.All().data()); }
  uint8_t* other() { return reinterpret_cast<uint8_t*>(other_.All().data()); }
  void Encode(const Bits& bits, uint8_t* block) {
    std::memset(block, 0, g_.block_size);
    kernels_.encode_vector(space, MakeQuery(bits), block);
  }
  using OwnSpace::space;

 private:
  const Kernels& kernels_ = KernelsOfBits();
  const Geometry g_;
  GuardedBuffer<uint32_t> own_, other_;
  std::vector<char> query_;
};

TEST_F(HnswBitsTest, AllOfACodeIsExact) {
  for (const size_t dim : {1, 7, 8, 63, 64, 65, 200, 1024, 2048, 5000, 64000})
    for (const Metric metric : kMetrics) {
      const Geometry g = MakeBitGeometry(dim, metric, BitBytes(dim), 9);
      const Bits own = Draw(dim, 0.1), q = Draw(dim, 0.1);
      const std::vector<Bits> neighbours = {own,
                                            q,
                                            Draw(dim, 0),
                                            Draw(dim, 1),
                                            Flip(own, dim, 0.1),
                                            Draw(dim),
                                            Draw(dim, 0.1),
                                            Draw(dim, 0.2),
                                            Draw(dim, 0.01)};
      TestBlocks blocks(g, own, neighbours);
      float estimates[kMaxDegree + 16], deviations[kMaxDegree + 16];
      for (const Bits& asked : {q, own, neighbours[2], neighbours[3]}) {
        EXPECT_FLOAT_EQ(blocks.Visit(asked, estimates, deviations), static_cast<float>(DistanceOf(metric, asked, own)));
        for (size_t i = 0; i < neighbours.size(); ++i) {
          EXPECT_FLOAT_EQ(estimates[i], static_cast<float>(DistanceOf(metric, asked, neighbours[i])))
              << dim << ' ' << i;
          EXPECT_EQ(deviations[i], 0);
        }
      }
      for (size_t i = 0; i < neighbours.size(); ++i) {
        // The norm is the Hamming distance, to eight bits.
        const double norm = DistanceOf(Metric::kHamming, own, neighbours[i]);
        EXPECT_NEAR(NormOf(NormCode(g, blocks.block(), i)), norm, norm / 256);
      }
    }
}

TEST_F(HnswBitsTest, PairsAndErrors) {
  for (const size_t dim : {1, 65, 5000})
    for (const Metric metric : kMetrics) {
      const Geometry g = MakeBitGeometry(dim, metric, 8, 4);
      const Bits a = Draw(dim, 0.3), b = Draw(dim, 0.3);
      TestBlocks blocks(g, a, {});
      const Kernels& kernels = KernelsOfBits();
      blocks.Encode(b, blocks.other());
      const uint8_t *stored_a = Vector(g, blocks.block()), *stored_b = Vector(g, blocks.other());
      EXPECT_FLOAT_EQ(
          kernels.between(g, stored_a, 1, kernels.norm(g, stored_a, 1), stored_b, 1, kernels.norm(g, stored_b, 1)),
          static_cast<float>(DistanceOf(metric, a, b)));
      const Query query = blocks.MakeQuery(b);
      EXPECT_EQ(kernels.error(blocks.space, query, {stored_b, 1}), 0);
      EXPECT_EQ(kernels.error(blocks.space, query, {stored_a, 1}), std::sqrt(DistanceOf(Metric::kHamming, a, b)));
      // What a block holds asks as the vector itself does.
      std::vector<char> buffer(QueryBufferSize(g));
      const Query again = kernels.query_of(blocks.space, {stored_b, 1}, buffer.data());
      EXPECT_EQ(std::memcmp(again.bits, query.bits, g.vector_bytes), 0);
      EXPECT_EQ(again.ones, query.ones);
    }
}

TEST_F(HnswBitsTest, BitsBehindTheLastAreFound) {
  const Geometry g = MakeBitGeometry(13, Metric::kHamming, 8, 4);
  TestBlocks blocks(g, Draw(13, 1), {});
  uint8_t* vector = blocks.block() + g.vector;
  const Stored stored{vector, 1};
  EXPECT_TRUE(KernelsOfBits().is_sound(blocks.space, stored));
  for (const size_t bit : {13, 15, 16, 63}) {
    vector[bit / 8] ^= 0x80 >> bit % 8;
    EXPECT_FALSE(KernelsOfBits().is_sound(blocks.space, stored)) << bit;
    vector[bit / 8] ^= 0x80 >> bit % 8;
  }
}

// No bias, and the deviation that is promised, far from the node and near it.
TEST_F(HnswBitsTest, SamplesEstimateWithTheirDeviation) {
  for (const size_t dim : {1100, 2048, 5000, 64000})
    for (const Metric metric : kMetrics)
      for (const double apart : {0.03, 0.3}) {
        const Geometry g = MakeBitGeometry(dim, metric, 128, 32);
        double errors = 0, squares = 0, promised = 0, promised_squares = 0;
        for (int round = 0; round < (dim > 10000 ? 8 : 50); ++round) {
          const Bits own = Draw(dim, 0.2);
          std::vector<Bits> neighbours;
          for (int i = 0; i < 32; ++i) neighbours.push_back(Flip(own, dim, apart));
          const Bits q = Flip(own, dim, 0.2);
          TestBlocks blocks(g, own, neighbours);
          float estimates[kMaxDegree + 16], deviations[kMaxDegree + 16];
          blocks.Visit(q, estimates, deviations);
          for (int i = 0; i < 32; ++i) {
            const double error = estimates[i] - DistanceOf(metric, q, neighbours[i]);
            errors += error, squares += error * error;
            promised += deviations[i], promised_squares += double{deviations[i]} * deviations[i];
          }
        }
        const double bias = errors / promised, spread = std::sqrt(squares / promised_squares);
        // Neighbours of one node err together; for Jaccard so does the rounding of their numbers of bits.
        EXPECT_NEAR(bias, 0, 0.3) << dim << ' ' << int(metric) << ' ' << apart;
        EXPECT_NEAR(spread, 1, 0.2) << dim << ' ' << int(metric) << ' ' << apart;
      }
}

// ---- Graphs

struct Clusters {
  explicit Clusters(size_t dim, double share = 0.2) : dim(dim) {
    for (int i = 0; i < 40; ++i) centres.push_back(Draw(dim, share));
  }
  Bits Next() { return Flip(centres[generator() % centres.size()], dim, 0.1); }
  std::vector<Bits> Several(size_t count) {
    std::vector<Bits> several;
    while (several.size() < count) several.push_back(Next());
    return several;
  }
  size_t dim;
  std::vector<Bits> centres;
};

TEST_F(HnswBitsTest, RecallOfClusters) {
  for (const size_t dim : {64, 200, 1024, 2048, 5000})
    for (const Metric metric : kMetrics) {
      Clusters data(dim);
      Index index(ChooseBitGeometry(dim, metric, 16).geometry);
      for (int i = 0; i < 2000; ++i) index.Add(data.Next());
      const std::vector<Bits> queries = data.Several(40);
      EXPECT_GT(index.Recall(queries, 10, 40), 0.98) << dim << ' ' << int(metric);
      EXPECT_GT(index.Recall(queries, 10, 100), 0.99) << dim << ' ' << int(metric);
    }
}

// Each node is known by several neighbours. What they say is the same, and a node is visited only where it is near
// enough for the beam: not far more nodes than it holds.
TEST_F(HnswBitsTest, VisitsNoMoreThanTheBeamAsksFor) {
  for (const Metric metric : kMetrics) {
    Clusters data(256);
    Index index(MakeBitGeometry(256, metric, 32, 32));
    for (int i = 0; i < 3000; ++i) index.Add(data.Next());
    size_t hops = 0;
    for (const Bits& q : data.Several(20)) index.Find(q, 10, 40), hops += index.hops;
    EXPECT_LT(hops / 20, 70u) << int(metric);  // 60 are the least
  }
}

TEST_F(HnswBitsTest, StreamIsCompleteAndOrdered) {
  for (const Metric metric : kMetrics)
    for (const size_t dim : {64, 2048}) {
      Clusters data(dim);
      Index index(ChooseBitGeometry(dim, metric, 16).geometry);
      for (int i = 0; i < 1500; ++i) index.Add(data.Next());
      const Bits q = data.Next();
      index.ExpectBoundsHold(q);
      EXPECT_GT(index.FindAll(q).size(), 1490u);
      const std::vector<Answer> strict = index.Find(q, 100000, 40);
      EXPECT_TRUE(std::is_sorted(strict.begin(), strict.end(),
                                 [](const Answer& a, const Answer& b) { return a.bound < b.bound; }));
      EXPECT_GT(strict.size(), 1000u);
    }
}

// Short strings have few distances, and many of them are equal.
TEST_F(HnswBitsTest, ShortStrings) {
  for (const Metric metric : kMetrics)
    for (const size_t dim : {1, 7, 8, 12}) {
      Index index(ChooseBitGeometry(dim, metric, 8).geometry);
      for (int i = 0; i < 2000; ++i) index.Add(Draw(dim));
      const size_t kinds = std::min<size_t>(1 << dim, 2000);
      EXPECT_LE(index.Bottom().size(), kinds + kinds / 20);  // a twin may be overlooked
      std::set<uint32_t> found = index.FindAll(Draw(dim));
      EXPECT_GT(found.size(), 1990u) << dim << ' ' << int(metric);
      EXPECT_GT(index.Recall({Draw(dim), Draw(dim), Draw(dim, 0), Draw(dim, 1)}, 10, 40), 0.95) << dim;
    }
}

TEST_F(HnswBitsTest, EqualStringsShareANode) {
  for (const size_t dim : {64, 5000}) {
    Clusters data(dim);
    Index index(ChooseBitGeometry(dim, Metric::kJaccard, 16).geometry);
    const Bits same = data.Next(), none = Draw(dim, 0);
    for (int i = 0; i < 900; ++i) index.Add(i % 3 == 0 ? same : i % 3 == 1 ? none : data.Next());
    const std::vector<Answer> answers = index.Find(same, 1, 40);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].rank, 0);
    EXPECT_EQ(index.rows[answers[0].node].size(), 300u);
    // To an empty string everything is equally far, itself included.
    for (const Answer& answer : index.Find(none, 400, 40)) EXPECT_EQ(answer.rank, 1);
    EXPECT_EQ(index.FindAll(none).size(), 900u);
    EXPECT_GT(index.Recall(data.Several(20), 10, 60), 0.95);
  }
}

TEST_F(HnswBitsTest, RepairAfterDeletions) {
  for (const Metric metric : kMetrics)
    for (const size_t dim : {64, 3000})
      for (const unsigned alive_of_ten : {9u, 1u}) {
        Clusters data(dim);
        Index index(ChooseBitGeometry(dim, metric, 16).geometry);
        for (int i = 0; i < 1500; ++i) index.Add(data.Next());
        const std::vector<Bits> queries = data.Several(30);
        const double before = index.Recall(queries, 10, 80);
        std::vector<bool> dead(index.vectors.size());
        for (size_t row = 0; row < dead.size(); ++row) dead[row] = row % 10 >= alive_of_ten;
        const std::set<uint32_t> live = index.Vacuum(dead);
        std::set<uint32_t> deleted;
        for (uint32_t row = 0; row < dead.size(); ++row)
          if (!live.contains(row)) deleted.insert(row);
        EXPECT_GT(index.Recall(queries, 10, 80, deleted), before - 0.03) << dim << ' ' << int(metric);
        EXPECT_EQ(index.FindAll(queries[0]), live);
      }
}

}  // namespace
}  // namespace medvec::hnsw
