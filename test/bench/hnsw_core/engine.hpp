// One index in the comparison.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data.hpp"

namespace medvec::bench {

struct Point {
  size_t ef;
  double recall = 0, hops = 0, fetches = 0;
  std::vector<double> micros;
  double median() {
    std::sort(micros.begin(), micros.end());
    return micros[micros.size() / 2];
  }
};

struct Engine {
  std::string name;
  double build = 0, bytes = 0;
  std::vector<Point> points;
  virtual ~Engine() = default;
  virtual double note() { return 0; }
  virtual void reset() {}
  // `query`: its number in the set. Returns the hops.
  virtual size_t Search(size_t query, size_t k, size_t ef, std::vector<uint32_t>* found) = 0;
};

// An index of hnswlib with m = 16, built or read from a file beside `cache`. Compiled apart, for this machine's
// instruction set; ours is compiled as for the server and chooses its kernels when it runs.
std::unique_ptr<Engine> MakeHnswlib(const Set& set, const std::string& cache, size_t ef_construction);

}  // namespace medvec::bench
