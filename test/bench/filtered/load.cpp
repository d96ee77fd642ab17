#include "../server/rows.hpp"
#include "clusters.hpp"
#include "modes.hpp"

namespace medvec::bench {

void Load(const Options& options) {
  const Set set = LoadRows(options.path, options.type, options.metric, options.rows, options.queries);
  Connection connection(options.database);
  CopyRows(set, 0, set.count, options.table + "_raw (id, v, cluster)", {FindClusters(set, kClusters).of_row},
           &connection);
  CopyRows(set, set.count, set.queries, options.table + "_queries (n, v)", {}, &connection);
  std::printf("{\"rows\": %zu, \"dim\": %zu}\n", set.count, set.dim);
}

}  // namespace medvec::bench
