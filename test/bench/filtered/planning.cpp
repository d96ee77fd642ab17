#include <memory>

#include "../server/connection.hpp"
#include "modes.hpp"

namespace medvec::bench {

void Planning(const Options& options) {
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<std::string> statements;  // many in one message, as waiting for the next one costs more than planning
  for (const Contender& contender : options.contenders) {
    connections.push_back(std::make_unique<Connection>(contender.database));
    if (!contender.hnsw.empty()) connections.back()->Do(contender.hnsw);
    std::string& text = statements.emplace_back();
    for (size_t i = 0; i < options.queries; ++i) text += "EXPLAIN " + contender.settings + ";";
    connections.back()->Do(text);
  }
  std::vector<std::vector<double>> cpu(connections.size());
  for (size_t round = 0; round < options.rounds; ++round)
    for (size_t i = 0; i < connections.size(); ++i) {
      const size_t c = (i + round) % connections.size();
      const double start = connections[c]->Cpu();
      connections[c]->Do(statements[c]);
      cpu[c].push_back((connections[c]->Cpu() - start) * 1e6 / static_cast<double>(options.queries));
    }
  std::printf("{\"rounds\": %zu, \"statements\": %zu, \"contenders\": [\n", options.rounds, options.queries);
  for (size_t c = 0; c < connections.size(); ++c) {
    std::vector<double> more;  // than the first contender, in the same round
    for (size_t round = 0; round < options.rounds; ++round) more.push_back(cpu[c][round] - cpu[0][round]);
    std::printf(
        "  {\"contender\": \"%s\", \"cpu_us\": %.2f, \"least_us\": %.2f, \"more_us\": %.2f, \"more_q1_us\": %.2f, "
        "\"more_q3_us\": %.2f}%s\n",
        options.contenders[c].name.c_str(), Quantile(cpu[c], .5), Quantile(cpu[c], 0), Quantile(more, .5),
        Quantile(more, .25), Quantile(more, .75), c + 1 == connections.size() ? "" : ",");
  }
  std::printf("]}\n");
}

}  // namespace medvec::bench
