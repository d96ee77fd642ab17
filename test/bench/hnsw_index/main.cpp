// The HNSW index in the server against pgvector's and against hnswlib in this process. run.sh calls it.
//
//   hnsw_index_bench MODE PATH/NAME-DIM.f32 TYPE METRIC NAME=DATABASE:TABLE ... [key=value ...]
//     MODE        load, search, insert           TYPE        vector, halfvec; bit (NAME-DIM.bits)
//     METRIC      l2, ip, cosine; hamming
//     rows=N      at most N rows of the set      queries=1000
//     efs=10,16,...                              rounds=3     connections=1,2
//     gap=N       rows that N divides are gone   hnswlib=EFC  with hnswlib's graph of that ef_construction
//     inserts=2000 warm_up=500 after_checkpoint=500
#include <cstring>
#include <sstream>

#include "modes.hpp"

namespace medvec::bench {
namespace {

std::vector<size_t> Numbers(const std::string& text) {
  std::vector<size_t> numbers;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) numbers.push_back(std::stoul(part));
  return numbers;
}

int Main(int argc, char** argv) {
  if (argc < 5) return std::fprintf(stderr, "usage: hnsw_index_bench MODE NAME-DIM.f32 TYPE METRIC ...\n"), 2;
  Options options;
  options.path = argv[2];
  options.type = !std::strcmp(argv[3], "halfvec") ? Type::kHalfvec
                 : !std::strcmp(argv[3], "bit")   ? Type::kBit
                                                  : Type::kVector;
  options.metric = !std::strcmp(argv[4], "ip")       ? Metric::kInnerProduct
                   : !std::strcmp(argv[4], "cosine") ? Metric::kCosine
                                                     : Metric::kL2;
  for (int i = 5; i < argc; ++i) {
    const std::string argument = argv[i], key = argument.substr(0, argument.find('=')),
                      value = argument.substr(argument.find('=') + 1);
    const size_t colon = value.find(':');
    if (colon != std::string::npos)
      options.servers.push_back({key, value.substr(0, colon), value.substr(colon + 1)});
    else if (key == "efs")
      options.efs = Numbers(value);
    else if (key == "connections")
      options.connections = Numbers(value);
    else if (size_t* const number = key == "rows"               ? &options.rows
                                    : key == "queries"          ? &options.queries
                                    : key == "rounds"           ? &options.rounds
                                    : key == "gap"              ? &options.gap
                                    : key == "hnswlib"          ? &options.hnswlib_efc
                                    : key == "inserts"          ? &options.inserts
                                    : key == "warm_up"          ? &options.warm_up
                                    : key == "after_checkpoint" ? &options.after_checkpoint
                                                                : nullptr)
      *number = std::stoul(value);
    else
      return std::fprintf(stderr, "unknown: %s\n", argv[i]), 2;
  }
  if (!std::strcmp(argv[1], "load")) return Load(options), 0;
  if (!std::strcmp(argv[1], "search")) return Search(options), 0;
  if (!std::strcmp(argv[1], "insert")) return Insert(options), 0;
  return std::fprintf(stderr, "no such mode: %s\n", argv[1]), 2;
}

}  // namespace
}  // namespace medvec::bench

int main(int argc, char** argv) { return medvec::bench::Main(argc, argv); }
