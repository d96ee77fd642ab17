#include <time.h>
#include <unistd.h>

#include <memory>

#include "../server/rows.hpp"
#include "modes.hpp"

namespace medvec::bench {
namespace {

constexpr size_t kChunk = 50;  // inserts of one engine before it is the next one's turn

double WallSeconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// One of the tables, and what inserting into it has cost since the last Reset.
struct Table {
  Server server;
  Connection connection;
  size_t rows = 0;
  double wall = 0, cpu = 0, wal = 0, records = 0, record_bytes = 0, image_bytes = 0;

  explicit Table(const Server& server) : server(server), connection(server.database) {
    connection.Do("SET synchronous_commit = off");
    connection.Prepare("insert", "INSERT INTO " + server.table + " (id, v) VALUES ($1, $2)");
  }

  void Reset() { rows = 0, wall = cpu = wal = records = record_bytes = image_bytes = 0; }

  // Other sessions write no WAL meanwhile, so what lies between two positions is this table's.
  void Insert(const Set& set, size_t first, size_t count, Connection* control) {
    std::vector<std::vector<std::string>> parameters;
    for (size_t i = first; i < first + count; ++i)
      parameters.push_back({BinaryInt(static_cast<int32_t>(i)), Binary(set, i)});
    const std::string start = control->Value("SELECT pg_current_wal_insert_lsn()");
    const double wall_start = WallSeconds(), cpu_start = connection.Cpu();
    for (const auto& row : parameters) connection.Execute("insert", row);
    wall += WallSeconds() - wall_start;
    cpu += connection.Cpu() - cpu_start;
    const std::string end = control->Value("SELECT pg_current_wal_insert_lsn()");
    control->Do("SELECT pg_logical_emit_message(true, '', '')");  // its commit waits: what came before can be read
    const Result stats = control->Do("SELECT '" + end + "'::pg_lsn - '" + start +
                                     "'::pg_lsn, sum(count), sum(record_size), sum(fpi_size) FROM pg_get_wal_stats('" +
                                     start + "', '" + end + "')");
    const auto number = [&stats](int column) { return std::strtod(PQgetvalue(stats.get(), 0, column), nullptr); };
    wal += number(0), records += number(1), record_bytes += number(2), image_bytes += number(3);
    rows += count;
  }

  void Print(const char* phase, bool last) const {
    const double n = static_cast<double>(rows);
    std::printf(
        "  {\"engine\": \"%s\", \"phase\": \"%s\", \"inserts\": %zu, \"per_second\": %.1f, \"cpu_us\": %.1f, "
        "\"wal_bytes\": %.0f, \"records\": %.1f, \"record_bytes\": %.0f, \"image_bytes\": %.0f}%s\n",
        server.name.c_str(), phase, rows, n / wall, cpu / n * 1e6, wal / n, records / n, record_bytes / n,
        image_bytes / n, last ? "" : ",");
  }
};

void InTurns(const Set& set, size_t first, size_t count, std::vector<std::unique_ptr<Table>>* tables,
             Connection* control) {
  for (size_t done = 0; done < count; done += kChunk)
    for (auto& table : *tables) table->Insert(set, first + done, std::min(kChunk, count - done), control);
}

void FullPageWrites(Connection* control, const char* value) {
  control->Do(std::string("ALTER SYSTEM SET full_page_writes = ") + value);
  control->Do("SELECT pg_reload_conf()");
  sleep(1);  // the checkpointer announces it
  control->Do("CHECKPOINT");
}

}  // namespace

void Insert(const Options& options) {
  const size_t more = options.warm_up + options.inserts + options.after_checkpoint;
  const Set set = LoadRows(options.path, options.type, options.metric, options.rows + more, options.queries);
  if (set.count < options.rows + more) std::fprintf(stderr, "the set has no %zu rows left\n", more), std::exit(1);
  std::vector<std::unique_ptr<Table>> tables;
  for (const Server& server : options.servers) tables.push_back(std::make_unique<Table>(server));
  Connection control("postgres");
  control.Do("SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS pg_walinspect");

  FullPageWrites(&control, "off");
  InTurns(set, options.rows, options.warm_up, &tables, &control);
  for (auto& table : tables) table->Reset();
  InTurns(set, options.rows + options.warm_up, options.inserts, &tables, &control);
  std::printf("{\"rows\": %zu, \"results\": [\n", options.rows);
  for (auto& table : tables) table->Print("without page images", false), table->Reset();

  FullPageWrites(&control, "on");
  InTurns(set, options.rows + options.warm_up + options.inserts, options.after_checkpoint, &tables, &control);
  for (auto& table : tables) table->Print("after a checkpoint", &table == &tables.back());
  std::printf("]}\n");
}

}  // namespace medvec::bench
