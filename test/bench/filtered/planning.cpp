#include <memory>

#include "../server/connection.hpp"
#include "modes.hpp"

namespace medvec::bench {

void Planning(const Options& options) {
  std::vector<std::unique_ptr<Connection>> connections;
  for (const Contender& contender : options.contenders) {
    connections.push_back(std::make_unique<Connection>(contender.database));
    if (!contender.hnsw.empty()) connections.back()->Do(contender.hnsw);
    for (size_t i = 0; i < options.queries; ++i) connections.back()->Do("EXPLAIN " + contender.settings);
  }
  std::vector<std::vector<double>> cpu(connections.size());
  for (size_t round = 0; round < options.rounds; ++round)
    for (size_t i = 0; i < connections.size(); ++i) {
      const size_t c = (i + round) % connections.size();
      const std::string statement = "EXPLAIN " + options.contenders[c].settings;
      const double start = connections[c]->Cpu();
      for (size_t n = 0; n < options.queries; ++n) connections[c]->Do(statement);
      cpu[c].push_back((connections[c]->Cpu() - start) * 1e6 / static_cast<double>(options.queries));
    }
  std::printf("{\"rounds\": %zu, \"statements\": %zu, \"contenders\": [\n", options.rounds, options.queries);
  for (size_t c = 0; c < connections.size(); ++c)
    std::printf("  {\"contender\": \"%s\", \"cpu_us\": %.2f, \"least_us\": %.2f, \"q1_us\": %.2f, \"q3_us\": %.2f}%s\n",
                options.contenders[c].name.c_str(), Quantile(cpu[c], .5), Quantile(cpu[c], 0), Quantile(cpu[c], .25),
                Quantile(cpu[c], .75), c + 1 == connections.size() ? "" : ",");
  std::printf("]}\n");
}

}  // namespace medvec::bench
