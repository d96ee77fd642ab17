#include "clusters.hpp"

namespace medvec::bench {

std::vector<int32_t> Clusters::ByDistance(const Set& set, size_t query) const {
  std::vector<std::pair<double, int32_t>> all;
  for (size_t c = 0; c < centroids.size(); ++c)
    if (std::find(of_row.begin(), of_row.end(), static_cast<int32_t>(c)) != of_row.end())
      all.push_back({Distance(Metric::kL2, set.Query(query), centroids[c].data(), set.dim), static_cast<int32_t>(c)});
  std::sort(all.begin(), all.end());
  std::vector<int32_t> clusters;
  for (const auto& [distance, cluster] : all) clusters.push_back(cluster);
  return clusters;
}

Clusters FindClusters(const Set& set, size_t count) {
  constexpr int kIterations = 10;
  Clusters clusters;
  for (size_t c = 0; c < count; ++c) {
    const float* row = set.Row(c * set.count / count);  // the rows are shuffled
    clusters.centroids.emplace_back(row, row + set.dim);
  }
  clusters.of_row.resize(set.count);
  for (int iteration = 0;; ++iteration) {
    for (size_t i = 0; i < set.count; ++i) {
      std::pair<double, size_t> nearest = {1e300, 0};
      for (size_t c = 0; c < count; ++c)
        nearest = std::min(nearest, {Distance(Metric::kL2, set.Row(i), clusters.centroids[c].data(), set.dim), c});
      clusters.of_row[i] = static_cast<int32_t>(nearest.second);
    }
    if (iteration == kIterations) return clusters;
    std::vector<std::vector<double>> sums(count, std::vector<double>(set.dim));
    std::vector<size_t> sizes(count);
    for (size_t i = 0; i < set.count; ++i) {
      const auto c = static_cast<size_t>(clusters.of_row[i]);
      ++sizes[c];
      for (size_t d = 0; d < set.dim; ++d) sums[c][d] += set.Row(i)[d];
    }
    for (size_t c = 0; c < count; ++c)
      for (size_t d = 0; d < set.dim && sizes[c] > 0; ++d)
        clusters.centroids[c][d] = static_cast<float>(sums[c][d] / static_cast<double>(sizes[c]));
  }
}

}  // namespace medvec::bench
