// Recall, CPU and bytes of the graph index in memory against hnswlib, in one process, interleaved, thread CPU time.
//
//   hnsw_study PATH/NAME-DIM.f32 METRIC [key=value ...]
//     metric      l2, ip, cosine, l1; hamming, jaccard (PATH/NAME-DIM.bits, without hnswlib)
//     rows=N      at most N rows                 queries=1000
//     config=CODEC,BITS,DEGREE[,EFC[,CODE_DIM]]  f32, f16, i16, i12 or i8; may stand several times
//     config=bits,CODE_BYTES,DEGREE[,EFC]        of bits
//     efs=16,24,32,...                           beam widths of ours and of hnswlib
//     hnswlib=0|1                                leave it out; its graph is kept beside the set
//     config=auto,,,EFC                          what ChooseGeometry says
//     efc=200 rounds=3 pool=48 diverse=0 links=0 ratio=64 recheck=1 mean=1
#include <cstring>
#include <memory>
#include <queue>
#include <random>
#include <sstream>

#include "../../support/memory_graph.hpp"
#include "core/hnsw/choose_bit_geometry.hpp"
#include "core/hnsw/insert.hpp"
#include "engine.hpp"

namespace medvec::bench {
namespace {

using namespace medvec::hnsw;

bool centred = true;  // false: as an index that was created empty

struct Ours : Engine {
  const Set& set;
  const bool recheck;
  Geometry geometry;
  Rotation rotation;
  std::vector<uint64_t> table;
  std::vector<float> mean;
  Space space;
  MemoryGraph graph;
  std::vector<char> buffer;

  Ours(const Set& set, const Geometry& g, const InsertParameters& parameters, double ratio, bool recheck)
      : set(set),
        recheck(recheck),
        geometry(g),
        rotation(g.dim, 1),
        table(rotation.table_size() / 8),
        graph(g),
        buffer(QueryBufferSize(g)) {
    rotation.Prepare(table.data());
    space = {geometry, &rotation, nullptr};
    const double start = CpuSeconds();
    if (set.type != Type::kBit && g.metric != Metric::kInnerProduct && centred) {
      mean.assign(set.dim, 0);
      const size_t sample = std::min<size_t>(set.count, 10000);
      for (size_t i = 0; i < sample; ++i)
        for (size_t d = 0; d < set.dim; ++d) mean[d] += set.Row(i)[d] / static_cast<float>(sample);
      if (g.rotated()) rotation.Apply(mean.data());
      space.mean = mean.data();
    }
    std::mt19937_64 random(5);
    for (size_t i = 0; i < set.count; ++i) {
      graph.row = static_cast<uint32_t>(i);
      const Inserted inserted = Insert(space, graph, HeapMemory(), InputOf(i), DrawLevel(random(), ratio), parameters);
      duplicates += inserted.duplicate;
    }
    build = CpuSeconds() - start;
    bytes = static_cast<double>(graph.size()) * geometry.block_size / static_cast<double>(set.count);
    double links = 0, diverse = 0;
    for (NodeId n = 0; n < graph.size(); ++n) {
      links += Header(graph.At(n)).degree;
      for (size_t i = 0; i < Header(graph.At(n)).degree; ++i) diverse += !(NormCode(g, graph.At(n), i) & kFiller);
    }
    std::printf("# %zu blocks of %u bytes, %.1f links of which %.1f diverse, %zu duplicates, entry level %d\n",
                graph.size(), geometry.block_size, links / graph.size(), diverse / graph.size(), duplicates,
                graph.GetEntry().level);
  }
  Input InputOf(size_t row) const {
    if (set.type == Type::kBit) return {.bits = reinterpret_cast<const uint8_t*>(set.Bits(row))};
    return {.elements = set.Row(row)};
  }
  size_t Search(size_t number, size_t k, size_t ef, std::vector<uint32_t>* found) override {
    Query query = GetKernels(geometry).make_query(space, InputOf(set.count + number), buffer.data());
    const double length = set.type == Type::kBit || set.metric == Metric::kCosine
                              ? 1
                              : std::sqrt(GetDistanceKernels().norm_squared(set.Query(number), set.dim));
    hnsw::Search<MemoryGraph> search(space, graph, HeapMemory(), query, Bound(space, length), ef, ef + ef / 2);
    const size_t before = graph.reads();
    Answer answer;
    if (!recheck) {
      while (found->size() < k && search.Next(&answer)) found->push_back(answer.target);
    } else {
      // What scan and executor do: a row whose interval overlaps with another's is fetched and measured, and given once
      // nothing that follows can be nearer.
      const double infinity = std::numeric_limits<double>::infinity();
      const auto as_distance = [metric = geometry.metric](double bound) {
        return metric == Metric::kL2 ? bound * bound : metric == Metric::kCosine ? 2 * bound : bound;
      };
      using Row = std::pair<double, uint32_t>;
      std::priority_queue<Row, std::vector<Row>, std::greater<>> waiting;
      double farthest = -infinity, low = -infinity;
      while (found->size() < k) {
        if (!waiting.empty() && waiting.top().first <= low) {
          found->push_back(waiting.top().second);
          waiting.pop();
        } else if (search.Next(&answer)) {
          const std::optional<double> next = search.PeekBound();
          const bool certain = farthest <= answer.bound && next.has_value() && answer.upper <= *next;
          farthest = std::max(farthest, answer.upper);
          low = as_distance(answer.bound);
          waiting.push({certain ? low : Distance(set, set.count + number, answer.target), answer.target});
          fetches += !certain;
        } else if (waiting.empty()) {
          break;
        } else {
          low = infinity;
        }
      }
      ++asked;
    }
    search.Free();
    return graph.reads() - before;
  }
  double note() override { return recheck ? static_cast<double>(fetches) / asked : 0; }
  void reset() override { fetches = asked = 0; }
  size_t duplicates = 0, fetches = 0, asked = 0;
};

// CPU (or hops) at a recall, between the two points around it on a logarithmic scale of 1 - recall.
double At(Engine& engine, double recall, bool hops) {
  const auto value = [hops](Point& p) { return hops ? p.hops : p.median(); };
  for (size_t i = 0; i < engine.points.size(); ++i) {
    Point& p = engine.points[i];
    if (p.recall < recall) continue;
    if (i == 0) return value(p);
    Point& before = engine.points[i - 1];
    const double x0 = std::log(1 - before.recall), x1 = std::log(std::max(1e-6, 1 - p.recall)),
                 x = std::log(1 - recall);
    return std::exp(std::log(value(before)) + (std::log(value(p)) - std::log(value(before))) * (x - x0) / (x1 - x0));
  }
  return NAN;
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

int Main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: hnsw_study NAME-DIM.f32 METRIC [key=value ...]\n"), 2;
  const std::string metric_name = argv[2];
  const Metric metric = MetricOf(metric_name);
  const Type type = metric == Metric::kHamming || metric == Metric::kJaccard ? Type::kBit : Type::kVector;
  size_t rows = ~size_t{0}, queries = 1000, rounds = 3, efc = 200;
  bool hnswlib = true, recheck = true;
  double ratio = kLevelRatio;
  std::vector<std::string> configs;
  std::vector<size_t> efs = {10, 16, 24, 32, 40, 56, 80, 100, 140, 200, 300, 400};
  InsertParameters parameters;
  for (int i = 3; i < argc; ++i) {
    const std::string argument = argv[i], key = argument.substr(0, argument.find('=')),
                      value = argument.substr(argument.find('=') + 1);
    const size_t number = std::strtoul(value.c_str(), nullptr, 10);
    if (key == "rows")
      rows = number;
    else if (key == "queries")
      queries = number;
    else if (key == "rounds")
      rounds = number;
    else if (key == "efc")
      efc = number;
    else if (key == "told")
      parameters.told = std::stoul(value);
    else if (key == "pool")
      parameters.pool = number;
    else if (key == "links")
      parameters.new_links = number;
    else if (key == "diverse")
      parameters.diverse_links = number;
    else if (key == "ratio")
      ratio = std::strtod(value.c_str(), nullptr);
    else if (key == "mean")
      centred = number != 0;
    else if (key == "recheck")
      recheck = number != 0;
    else if (key == "hnswlib")
      hnswlib = number != 0;
    else if (key == "config")
      configs.push_back(value);
    else if (key == "efs") {
      efs.clear();
      for (const std::string& ef : Split(value, ',')) efs.push_back(std::strtoul(ef.c_str(), nullptr, 10));
    } else
      return std::fprintf(stderr, "unknown: %s\n", argv[i]), 2;
  }
  const Set set = LoadSet(argv[1], type, metric, rows, queries);
  std::printf("# %s: %zu rows of %zu, %zu queries, efc %zu\n", set.name.c_str(), set.count, set.dim, set.queries, efc);
  std::vector<std::unique_ptr<Engine>> engines;
  if (hnswlib && type != Type::kBit) engines.push_back(MakeHnswlib(set, argv[1], efc));
  for (const std::string& config : configs) {
    const std::vector<std::string> parts = Split(config, ',');
    const VectorCodec codec = parts[0] == "f32"   ? VectorCodec::kFloat32
                              : parts[0] == "f16" ? VectorCodec::kFloat16
                              : parts[0] == "i16" ? VectorCodec::kInt16
                              : parts[0] == "i12" ? VectorCodec::kInt12
                                                  : VectorCodec::kInt8;
    parameters.ef_construction = parts.size() > 3 ? std::stoul(parts[3]) : efc;
    // "auto,,,EFC": what an index would get.
    const Geometry geometry =
        parts[0] == "auto"   ? type == Type::kBit ? ChooseBitGeometry(set.dim, metric, 16).geometry
                                                  : ChooseGeometry(set.dim, metric, 16, sizeof(float)).geometry
        : parts[0] == "bits" ? MakeBitGeometry(set.dim, metric, std::stoul(parts[1]), std::stoi(parts[2]))
                             : MakeGeometry(set.dim, metric, codec, std::stoi(parts[1]), std::stoi(parts[2]),
                                            parts.size() > 4 ? std::stoul(parts[4]) : 0);
    engines.push_back(std::make_unique<Ours>(set, geometry, parameters, ratio, recheck));
    engines.back()->name = config;
    std::fflush(stdout);
  }
  for (auto& engine : engines)
    for (const size_t ef : efs) engine->points.push_back({ef, 0, 0, {}});
  for (size_t round = 0; round < rounds; ++round)
    for (size_t e = 0; e < efs.size(); ++e)
      for (auto& engine : engines) {
        Point& point = engine->points[e];
        std::vector<std::vector<uint32_t>> found(set.queries);
        size_t hops = 0;
        engine->reset();
        const double start = CpuSeconds();
        for (size_t q = 0; q < set.queries; ++q) hops += engine->Search(q, set.k, point.ef, &found[q]);
        point.micros.push_back((CpuSeconds() - start) * 1e6 / static_cast<double>(set.queries));
        if (round > 0) continue;
        point.fetches = engine->note();
        size_t right = 0;
        for (size_t q = 0; q < set.queries; ++q) right += Right(set, q, found[q]);
        point.recall = static_cast<double>(right) / static_cast<double>(set.queries * set.k);
        point.hops = static_cast<double>(hops) / static_cast<double>(set.queries);
      }
  std::printf("%-14s %7s %8s | %8s %6s %6s | %8s %6s %6s | ef:recall/us/hops/fetches\n", "engine", "B/vec", "build s",
              "us@.95", "x H", "hops", "us@.99", "x H", "hops");
  const double base95 = At(*engines[0], .95, false), base99 = At(*engines[0], .99, false);
  for (auto& engine : engines) {
    const double at95 = At(*engine, .95, false), at99 = At(*engine, .99, false);
    std::printf("%-14s %7.0f %8.1f | %8.1f %6.2f %6.0f | %8.1f %6.2f %6.0f |", engine->name.c_str(), engine->bytes,
                engine->build, at95, base95 / at95, At(*engine, .95, true), at99, base99 / at99,
                At(*engine, .99, true));
    for (Point& p : engine->points)
      std::printf(" %zu:%.4f/%.0f/%.0f/%.1f", p.ef, p.recall, p.median(), p.hops, p.fetches);
    std::printf("\n");
  }
  return 0;
}

}  // namespace
}  // namespace medvec::bench

int main(int argc, char** argv) { return medvec::bench::Main(argc, argv); }
