#include <unistd.h>

#include <nlohmann/json.hpp>

#include "services.hpp"

namespace medvec::embedder {

std::string StatusJson(Services& services) {
  using Json = nlohmann::ordered_json;
  Json models = Json::array();
  for (const ModelRegistry::Loaded& model : services.models.List()) {
    models.push_back({{"sha256", model.sha256}, {"path", model.path}});
  }
  const Counters& counters = services.counters;
  Json status = {{"version", MEDVEC_VERSION},
                 {"pid", getpid()},
                 {"models", std::move(models)},
                 {"requests", counters.requests.load()},
                 {"images", counters.images.load()},
                 {"errors", counters.errors.load()},
                 {"decoder_deaths", counters.decoder_deaths.load()},
                 {"decoders", counters.decoders.load()},
                 {"threads", services.options.threads}};
  return status.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace medvec::embedder
