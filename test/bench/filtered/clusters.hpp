// k-means over a set, for filters that go with the distance or against it.
#pragma once

#include <vector>

#include "../hnsw_core/data.hpp"

namespace medvec::bench {

struct Clusters {
  std::vector<std::vector<float>> centroids;
  std::vector<int32_t> of_row;  // the nearest centroid

  // The clusters that have rows, those of the nearest centroids first.
  std::vector<int32_t> ByDistance(const Set& set, size_t query) const;
};

// Lloyd's algorithm from rows of the set, the same each time.
Clusters FindClusters(const Set& set, size_t count);

}  // namespace medvec::bench
