#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "../hnsw_core/engine.hpp"
#include "../server/rows.hpp"
#include "modes.hpp"

namespace medvec::bench {
namespace {

constexpr size_t kExplained = 100;  // queries whose buffers EXPLAIN counts, at each point
constexpr size_t kAlways = 200;     // wider beams are skipped once an engine's recall has reached kEnough
constexpr double kEnough = .995;

using Found = std::vector<std::vector<uint32_t>>;

// What takes part: asks the queries first, first + step, ... from one thread of ours.
struct Asker {
  virtual ~Asker() = default;
  virtual void Ask(const Set& set, size_t ef, size_t first, size_t step, Found* found, std::vector<float>* micros) = 0;
  double cpu = 0;  // seconds that the last Ask took on processors
};

float MicrosSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<float, std::micro>(std::chrono::steady_clock::now() - start).count();
}

struct ServerAsker : Asker {
  Connection connection;

  ServerAsker(const Server& server, Metric metric) : connection(server.database) {
    connection.Do("SET enable_seqscan = off; SET jit = off; SET max_parallel_workers_per_gather = 0");
    connection.Do("SET plan_cache_mode = force_generic_plan");
    const std::string query = "SELECT id FROM " + server.table + " ORDER BY v " + OperatorOf(metric) + " $1 LIMIT 10";
    connection.Prepare("nearest", query);
    connection.Prepare("explain", "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + query);
    connection.Prepare("nothing", "SELECT id FROM " + server.table + " WHERE v IS NULL AND v = $1 AND false LIMIT 10");
  }

  void SetEf(size_t ef) { connection.Do("SET hnsw.ef_search = " + std::to_string(ef)); }

  void Ask(const Set& set, size_t ef, size_t first, size_t step, Found* found, std::vector<float>* micros) override {
    SetEf(ef);
    const double start = connection.Cpu();
    for (size_t q = first; q < set.queries; q += step) {
      const std::string vector = Binary(set, set.count + q);
      const auto asked = std::chrono::steady_clock::now();
      const Result result = connection.Execute("nearest", {vector});
      micros->push_back(MicrosSince(asked));
      (*found)[q].clear();
      for (int i = 0; i < PQntuples(result.get()); ++i)
        (*found)[q].push_back(static_cast<uint32_t>(IntOf(PQgetvalue(result.get(), i, 0))));
    }
    cpu = connection.Cpu() - start;
  }
};

struct HnswlibAsker : Asker {
  Engine* engine;
  explicit HnswlibAsker(Engine* engine) : engine(engine) {}
  void Ask(const Set& set, size_t ef, size_t first, size_t step, Found* found, std::vector<float>* micros) override {
    const double start = CpuSeconds();
    for (size_t q = first; q < set.queries; q += step) {
      const auto asked = std::chrono::steady_clock::now();
      (*found)[q].clear();
      engine->Search(q, set.k, ef, &(*found)[q]);
      micros->push_back(MicrosSince(asked));
    }
    cpu = CpuSeconds() - start;
  }
};

// Buffers a query reads, hits and misses, of the statement (EXPLAIN) and by kind (pg_statio_all_tables).
struct Buffers {
  double hits = 0, reads = 0, index = 0, heap = 0, toast = 0;
};

struct Measured {
  size_t ef, connections;
  double recall = 0;
  bool skipped = false;
  std::vector<double> cpu = {}, per_second = {};  // of the rounds; CPU in microseconds a query
  std::vector<float> latencies = {};
  Buffers buffers = {};
};

struct Contender {
  std::string name;
  std::vector<std::unique_ptr<Asker>> askers;  // one a connection
  std::vector<Measured> points;
  std::vector<double> nothing;  // CPU, in microseconds, of a statement that takes the same parameter and does nothing
  std::string table;

  ServerAsker* server() { return dynamic_cast<ServerAsker*>(askers[0].get()); }
};

std::vector<double> BufferCounts(Contender* contender) {
  Connection& connection = contender->server()->connection;
  connection.Do("SELECT pg_stat_force_next_flush()");
  const Result row = connection.Do(
      "SELECT coalesce(idx_blks_hit, 0) + coalesce(idx_blks_read, 0), heap_blks_hit + heap_blks_read, "
      "coalesce(toast_blks_hit + toast_blks_read + tidx_blks_hit + tidx_blks_read, 0) "
      "FROM pg_statio_all_tables WHERE relid = '" +
      contender->table + "'::regclass");
  std::vector<double> counts;
  for (int i = 0; i < 3; ++i) counts.push_back(std::strtod(PQgetvalue(row.get(), 0, i), nullptr));
  return counts;
}

// Ends the program unless the statement uses an index and nothing sorts behind it.
void CheckPlan(const std::string& name, const std::string& plan) {
  if (plan.find("\"Index Scan\"") != std::string::npos && plan.find("\"Sort\"") == std::string::npos) return;
  std::fprintf(stderr, "%s does not use its index:\n%s\n", name.c_str(), plan.c_str());
  std::exit(1);
}

void CountBuffers(const Set& set, Contender* contender, Measured* point) {
  ServerAsker& asker = *contender->server();
  asker.SetEf(point->ef);
  const size_t explained = std::min(kExplained, set.queries);
  for (size_t q = 0; q < explained; ++q) {
    const Result plan = asker.connection.Execute("explain", {Binary(set, set.count + q)});
    const std::string text = PQgetvalue(plan.get(), 0, 0);
    if (q == 0) CheckPlan(contender->name, text);
    point->buffers.hits += NumberAfter(text, "\"Shared Hit Blocks\":") / static_cast<double>(explained);
    point->buffers.reads += NumberAfter(text, "\"Shared Read Blocks\":") / static_cast<double>(explained);
  }
  const std::vector<double> before = BufferCounts(contender);
  Found found(set.queries);
  std::vector<float> ignored;
  asker.Ask(set, point->ef, 0, 1, &found, &ignored);
  const std::vector<double> after = BufferCounts(contender);
  const auto each = [&](int i) { return (after[i] - before[i]) / static_cast<double>(set.queries); };
  point->buffers.index = each(0), point->buffers.heap = each(1), point->buffers.toast = each(2);
}

void MeasureNothing(const Set& set, Contender* contender) {
  Connection& connection = contender->server()->connection;
  const std::string vector = Binary(set, set.count);
  const double start = connection.Cpu();
  for (size_t i = 0; i < set.queries; ++i) connection.Execute("nothing", {vector});
  contender->nothing.push_back((connection.Cpu() - start) * 1e6 / static_cast<double>(set.queries));
}

void MeasurePoint(const Set& set, Contender* contender, Measured* point) {
  Found found(set.queries);
  std::vector<std::vector<float>> micros(point->connections);
  std::vector<std::thread> threads;
  const auto start = std::chrono::steady_clock::now();
  for (size_t t = 0; t < point->connections; ++t)
    threads.emplace_back(
        [&, t] { contender->askers[t]->Ask(set, point->ef, t, point->connections, &found, &micros[t]); });
  for (std::thread& thread : threads) thread.join();
  const double queries = static_cast<double>(set.queries);
  point->per_second.push_back(queries * 1e6 / MicrosSince(start));
  double cpu = 0;
  for (size_t t = 0; t < point->connections; ++t) cpu += contender->askers[t]->cpu;
  point->cpu.push_back(cpu * 1e6 / queries);
  for (const auto& part : micros) point->latencies.insert(point->latencies.end(), part.begin(), part.end());
  size_t right = 0;
  for (size_t q = 0; q < set.queries; ++q) right += Right(set, q, found[q]);
  point->recall = static_cast<double>(right) / (queries * static_cast<double>(set.k));
}

void Print(const Contender& contender, bool last) {
  std::printf("  {\"engine\": \"%s\", \"nothing_us\": %.1f, \"points\": [\n", contender.name.c_str(),
              Quantile(contender.nothing, .5));
  const char* separator = "";
  for (const Measured& p : contender.points) {
    if (p.skipped) continue;
    std::printf("%s    {\"ef\": %zu, \"connections\": %zu, \"recall\": %.4f, ", separator, p.ef, p.connections,
                p.recall);
    std::printf("\"cpu_us\": %.1f, \"cpu_least_us\": %.1f, ", Quantile(p.cpu, .5), Quantile(p.cpu, 0));
    std::printf("\"p50_us\": %.1f, \"p99_us\": %.1f, \"per_second\": %.0f, ", Quantile(p.latencies, .5),
                Quantile(p.latencies, .99), Quantile(p.per_second, .5));
    std::printf("\"hits\": %.1f, \"reads\": %.2f, \"index\": %.1f, \"heap\": %.1f, \"toast\": %.1f}", p.buffers.hits,
                p.buffers.reads, p.buffers.index, p.buffers.heap, p.buffers.toast);
    separator = ",\n";
  }
  std::printf("\n  ]}%s\n", last ? "" : ",");
}

}  // namespace

void Search(const Options& options) {
  Set set = LoadRows(options.path, options.type, options.metric, options.rows, options.queries);
  FindAnswers(options.path, options.gap, &set);
  const size_t most = *std::max_element(options.connections.begin(), options.connections.end());
  std::vector<Contender> contenders;
  std::unique_ptr<Engine> hnswlib;
  for (const Server& server : options.servers) {
    Contender& contender = contenders.emplace_back();
    contender.name = server.name;
    contender.table = server.table;
    for (size_t i = 0; i < most; ++i) contender.askers.push_back(std::make_unique<ServerAsker>(server, set.metric));
  }
  if (options.hnswlib_efc > 0) {
    hnswlib = MakeHnswlib(set, options.path, options.hnswlib_efc);
    Contender& contender = contenders.emplace_back();
    contender.name = hnswlib->name;
    for (size_t i = 0; i < most; ++i) contender.askers.push_back(std::make_unique<HnswlibAsker>(hnswlib.get()));
  }
  for (Contender& contender : contenders)
    for (const size_t connections : options.connections)
      for (const size_t ef : options.efs) contender.points.push_back({ef, connections});
  const size_t points = options.connections.size() * options.efs.size();
  for (size_t round = 0; round < options.rounds; ++round) {
    for (Contender& contender : contenders)
      if (contender.server()) MeasureNothing(set, &contender);
    for (size_t p = 0; p < points; ++p)
      for (size_t c = 0; c < contenders.size(); ++c) {
        Contender& contender = contenders[(c + round) % contenders.size()];
        Measured& point = contender.points[p];
        if (round == 0) {
          const Measured* before = p % options.efs.size() > 0 ? &point - 1 : nullptr;
          point.skipped = point.ef > kAlways && before && (before->skipped || before->recall >= kEnough);
          // The first pass of a point counts buffers, and warms the caches of the connection and the server.
          if (!point.skipped && contender.server() && point.connections == options.connections[0])
            CountBuffers(set, &contender, &point);
        }
        if (!point.skipped) MeasurePoint(set, &contender, &point);
      }
  }
  std::printf("{\"set\": \"%s\", \"rows\": %zu, \"dim\": %zu, \"queries\": %zu, \"rounds\": %zu, ", set.name.c_str(),
              set.count, set.dim, set.queries, options.rounds);
  std::printf("\"hnswlib_build_s\": %.1f, \"hnswlib_bytes\": %.0f, \"engines\": [\n", hnswlib ? hnswlib->build : 0,
              hnswlib ? hnswlib->bytes * static_cast<double>(set.count) : 0);
  for (const Contender& contender : contenders) Print(contender, &contender == &contenders.back());
  std::printf("]}\n");
}

}  // namespace medvec::bench
