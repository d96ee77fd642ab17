// Sets, exact answers and CPU time for the index benchmarks.
#pragma once

#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/distance.hpp"
#include "core/hnsw/geometry.hpp"

namespace medvec::bench {

using hnsw::Metric;

// CPU seconds of this thread: on a shared machine the only clock worth reading.
inline double CpuSeconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

inline double Distance(Metric metric, const float* a, const float* b, size_t dim) {
  const auto& kernels = GetDistanceKernels();
  if (metric == Metric::kInnerProduct) return -kernels.inner_product(a, b, dim);
  if (metric == Metric::kL1) return kernels.l1(a, b, dim);
  return kernels.l2_squared(a, b, dim);  // cosine: of unit vectors
}

// What a column of the set is.
enum class Type { kVector, kHalfvec, kBit };

struct Set {
  std::string name;
  Type type = Type::kVector;
  size_t dim = 0, count = 0, queries = 0, k = 10;
  Metric metric;
  std::vector<float> rows;        // count rows, then the queries; of halfvec, numbers that float16 can hold
  std::vector<uint64_t> bits;     // the same of bit: the file's bytes, zeros behind
  std::vector<uint32_t> answers;  // the k nearest of each query
  std::vector<double> limits;     // the distance of the k-th: whoever is as near is right too

  const float* Row(size_t i) const { return rows.data() + i * dim; }
  const float* Query(size_t i) const { return Row(count + i); }
  size_t words() const { return (dim + 63) / 64; }
  const uint64_t* Bits(size_t i) const { return bits.data() + i * words(); }
};

// Between two of the rows and queries.
inline double Distance(const Set& set, size_t a, size_t b) {
  if (set.type != Type::kBit) return Distance(set.metric, set.Row(a), set.Row(b), set.dim);
  const uint64_t *x = set.Bits(a), *y = set.Bits(b);
  int differing = 0;
  for (size_t i = 0; i < set.words(); ++i) differing += std::popcount(x[i] ^ y[i]);
  return differing;
}

// To unit length, where the metric is cosine.
inline void Normalise(Set* set) {
  if (set->metric != Metric::kCosine) return;
  for (size_t i = 0; i < set->count + set->queries; ++i) {
    float* row = set->rows.data() + i * set->dim;
    const double norm = std::sqrt(GetDistanceKernels().norm_squared(row, set->dim));
    for (size_t d = 0; d < set->dim; ++d) row[d] = static_cast<float>(row[d] / norm);
  }
}

// `path` is NAME-DIM.f32, or NAME-DIM.bits for bit; its last `queries` rows are the queries, at most `most` others the
// set. Without answers.
inline Set LoadRows(const std::string& path, Type type, Metric metric, size_t most, size_t queries) {
  Set set;
  set.type = type;
  set.metric = metric;
  const size_t slash = path.rfind('/') + 1, dash = path.rfind('-');
  set.name = path.substr(slash, dash - slash);
  set.dim = std::strtoul(path.c_str() + dash + 1, nullptr, 10);
  FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) std::perror(path.c_str()), std::exit(1);
  struct stat status;
  fstat(fileno(file), &status);
  const size_t bytes = type == Type::kBit ? (set.dim + 7) / 8 : 4 * set.dim;
  const size_t total = static_cast<size_t>(status.st_size) / bytes;
  set.queries = std::min(queries, total / 10);
  set.count = std::min(most, total - set.queries);
  const size_t all = set.count + set.queries;
  size_t stride = bytes;
  char* to;
  if (type == Type::kBit) {
    stride = 8 * set.words();
    set.bits.resize(all * set.words());
    to = reinterpret_cast<char*>(set.bits.data());
  } else {
    set.rows.resize(all * set.dim);
    to = reinterpret_cast<char*>(set.rows.data());
  }
  for (size_t i = 0; i < all; ++i, to += stride) {
    if (i == set.count) std::fseek(file, static_cast<long>((total - set.queries) * bytes), SEEK_SET);
    if (std::fread(to, bytes, 1, file) != 1) std::fprintf(stderr, "short read\n"), std::exit(1);
  }
  std::fclose(file);
  Normalise(&set);
  if (type == Type::kHalfvec) {
    for (float& value : set.rows) value = static_cast<float>(static_cast<_Float16>(value));
    Normalise(&set);  // changes a value by far less than rounding to float16 again would need to see it
  }
  return set;
}

// The answers among the rows whose number `gap` does not divide (0: all rows), kept in a file beside `path`.
inline void FindAnswers(const std::string& path, size_t gap, Set* of) {
  Set& set = *of;
  const std::string cache = path + ".truth-" + (set.type == Type::kHalfvec ? "half-" : "") +
                            std::to_string(static_cast<int>(set.metric)) + "-" + std::to_string(set.count) + "-" +
                            std::to_string(set.queries) + (gap > 0 ? "-without-" + std::to_string(gap) : "");
  set.answers.resize(set.queries * set.k);
  set.limits.resize(set.queries);
  FILE* file = std::fopen(cache.c_str(), "rb");
  if (file == nullptr || std::fread(set.answers.data(), 4 * set.k, set.queries, file) != set.queries) {
    std::vector<std::pair<double, uint32_t>> all;
    for (size_t q = 0; q < set.queries; ++q) {
      all.clear();
      for (size_t i = 0; i < set.count; ++i)
        if (gap == 0 || i % gap != 0) all.push_back({Distance(set, set.count + q, i), static_cast<uint32_t>(i)});
      std::partial_sort(all.begin(), all.begin() + set.k, all.end());
      for (size_t j = 0; j < set.k; ++j) set.answers[q * set.k + j] = all[j].second;
    }
    if (file != nullptr) std::fclose(file);
    file = std::fopen(cache.c_str(), "wb");
    std::fwrite(set.answers.data(), 4 * set.k, set.queries, file);
  }
  std::fclose(file);
  for (size_t q = 0; q < set.queries; ++q)
    set.limits[q] = Distance(set, set.count + q, set.answers[q * set.k + set.k - 1]);
}

inline Set LoadSet(const std::string& path, Metric metric, size_t most, size_t queries) {
  Set set = LoadRows(path, Type::kVector, metric, most, queries);
  FindAnswers(path, 0, &set);
  return set;
}

// How many of `found` (row numbers, at most k distinct ones) are as near as the k-th true answer.
inline size_t Right(const Set& set, size_t query, const std::vector<uint32_t>& found) {
  size_t right = 0;
  for (size_t i = 0; i < std::min(found.size(), set.k); ++i)
    right +=
        Distance(set, set.count + query, found[i]) <= set.limits[query] + std::abs(set.limits[query]) * 1e-7 + 1e-12;
  return right;
}

}  // namespace medvec::bench
