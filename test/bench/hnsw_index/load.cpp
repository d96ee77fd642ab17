#include "../server/rows.hpp"
#include "modes.hpp"

namespace medvec::bench {

void Load(const Options& options) {
  const Set set = LoadRows(options.path, options.type, options.metric, options.rows, options.queries);
  const Server& server = options.servers.at(0);
  Connection connection(server.database);
  CopyRows(set, 0, set.count, server.table + " (id, v)", {}, &connection);
  std::printf("{\"rows\": %zu, \"dim\": %zu}\n", set.count, set.dim);
}

}  // namespace medvec::bench
