#include "options.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "embed/protocol.hpp"

namespace medvec::embedder {

const char kUsage[] =
    "usage: medvec-embedder --socket PATH --decoder PROGRAM [--threads N] [--memory-limit BYTES]\n"
    "                       [--decoder-memory-limit BYTES] [--model-directory DIR]... [--max-models N]\n"
    "\n"
    "Serves image embeddings to a PostgreSQL server with the medvec extension, whose background worker starts it.\n"
    "Ends when standard input ends.\n";

namespace {

uint64_t ParseNumber(const char* option, const char* text, uint64_t min, uint64_t max) {
  uint64_t value = 0;
  const char* end = text + std::strlen(text);
  auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc() || stop != end || value < min || value > max) {
    throw UsageError(std::string(option) + " must be a number from " + std::to_string(min) + " to " +
                     std::to_string(max));
  }
  return value;
}

int UsableProcessors() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

}  // namespace

uint64_t Options::request_bytes() const {
  // A request is held once here and once in a decoder; a quarter leaves room for models and tensors.
  constexpr uint64_t kDefault = uint64_t{1} << 30;
  return memory_limit == 0 ? kDefault : std::min(memory_limit / 4, kDefault);
}

Options ParseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    if (i + 1 == argc) throw UsageError(name + " needs a value");
    const char* value = argv[++i];
    if (name == "--socket") {
      options.socket = value;
    } else if (name == "--decoder") {
      options.decoder = value;
    } else if (name == "--threads") {
      options.threads = ParseNumber("--threads", value, 1, 1024);
    } else if (name == "--memory-limit") {
      options.memory_limit = ParseNumber("--memory-limit", value, 0, UINT64_MAX);
    } else if (name == "--decoder-memory-limit") {
      options.decoder_memory_limit = ParseNumber("--decoder-memory-limit", value, 0, UINT64_MAX);
    } else if (name == "--model-directory") {
      options.model_directories.push_back(value);
    } else if (name == "--max-models") {
      options.max_models = ParseNumber("--max-models", value, 1, 10000);
    } else {
      throw UsageError("unknown option " + name);
    }
  }
  if (options.socket.empty()) throw UsageError("--socket is missing");
  if (options.decoder.empty()) throw UsageError("--decoder is missing");
  if (options.threads == 0) options.threads = UsableProcessors();
  return options;
}

}  // namespace medvec::embedder
