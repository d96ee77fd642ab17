#include "connection.hpp"
#include "modes.hpp"

namespace medvec::bench {

void Load(const Options& options) {
  const Set set = LoadRows(options.path, options.metric, options.rows, options.queries);
  const Server& server = options.servers.at(0);
  Connection connection(server.database);
  connection.CopyStart("COPY " + server.table + " (id, v) FROM STDIN (FORMAT binary)");
  const std::string two_columns("\0\2", 2), int_size = BinaryInt(4);
  for (size_t i = 0; i < set.count; ++i) {
    const std::string vector = BinaryVector(set.Row(i), set.dim);
    connection.CopyData(two_columns + int_size + BinaryInt(static_cast<int32_t>(i)) +
                        BinaryInt(static_cast<int32_t>(vector.size())) + vector);
  }
  connection.CopyEnd();
  std::printf("{\"rows\": %zu, \"dim\": %zu}\n", set.count, set.dim);
}

}  // namespace medvec::bench
