// Filtered search in the server. run.sh calls it.
//
//   filtered_bench load PATH/NAME-DIM.f32 METRIC DATABASE:TABLE [rows=N]
//   filtered_bench search PATH/NAME-DIM.f32 METRIC DATABASE:TABLE CONTENDER ... [key=value ...]
//   filtered_bench planning CONTENDER ... [rounds=20] [queries=500]
//     CONTENDER   contender=NAME|DATABASE|METHOD|HNSW|SETTINGS, see modes.hpp
//     METRIC      l2, ip, cosine       rows=N      at most N rows of the set     queries=300
//     rounds=1                         seconds=10                                cases=NAME,...
#include <cstring>
#include <sstream>

#include "modes.hpp"

namespace medvec::bench {
namespace {

std::vector<std::string> Split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, by);) parts.push_back(part);
  return parts;
}

int Main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const int options_from = mode == "planning" ? 2 : 5;
  if (argc < options_from) return std::fprintf(stderr, "usage: filtered_bench MODE ...\n"), 2;
  Options options;
  if (mode != "planning") {
    options.path = argv[2];
    options.metric = MetricOf(argv[3]);
    const auto where = Split(argv[4], ':');
    options.database = where.at(0), options.table = where.at(1);
  }
  for (int i = options_from; i < argc; ++i) {
    const std::string argument = argv[i], key = argument.substr(0, argument.find('=')),
                      value = argument.substr(argument.find('=') + 1);
    if (key == "contender") {
      auto parts = Split(value, '|');
      parts.resize(5);
      options.contenders.push_back({parts[0], parts[1], parts[2] == "exact", parts[3], parts[4]});
    } else if (key == "cases") {
      options.cases = Split(value, ',');
    } else if (size_t* const number = key == "rows"      ? &options.rows
                                      : key == "queries" ? &options.queries
                                      : key == "rounds"  ? &options.rounds
                                      : key == "seconds" ? &options.seconds
                                                         : nullptr) {
      *number = std::stoul(value);
    } else {
      return std::fprintf(stderr, "unknown: %s\n", argv[i]), 2;
    }
  }
  if (mode == "load") return Load(options), 0;
  if (mode == "search") return Search(options), 0;
  if (mode == "planning") return Planning(options), 0;
  return std::fprintf(stderr, "no such mode: %s\n", mode.c_str()), 2;
}

}  // namespace
}  // namespace medvec::bench

int main(int argc, char** argv) { return medvec::bench::Main(argc, argv); }
