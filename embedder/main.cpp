// medvec-embedder: image embeddings for a whole PostgreSQL server. See README.md.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "decoder_zygote.hpp"
#include "log.hpp"
#include "model.hpp"
#include "model_file.hpp"
#include "options.hpp"
#include "sandbox.hpp"
#include "server.hpp"
#include "services.hpp"
#include "sha256.hpp"

namespace medvec::embedder {
namespace {

int Main(const Options& options) {
  // A cancelled supervisor is no reason to end, nor is a client that leaves while it is written to.
  for (int ignored : {SIGINT, SIGHUP, SIGPIPE}) signal(ignored, SIG_IGN);

  // What needs rights comes first: the decoders, the socket, the directories.
  DecoderZygote zygote(options.decoder, options.decoder_memory_limit);
  LimitResources(options.memory_limit);
  UniqueFd listener = ListenAt(options.socket);
  ModelDirectories directories(options.model_directories);
  Sha256Hex({});  // OpenSSL reads its configuration now or never
  InitTorch();

  if (directories.anywhere()) {
    Log("no --model-directory: models may lie anywhere, and reading files is not restricted");
  } else if (!RestrictFiles(directories.resolved())) {
    Log(std::string("Landlock is not available, reading files is not restricted: ") + std::strerror(errno));
  }
  if (!RestrictSystemCalls()) Log(std::string("seccomp is not available: ") + std::strerror(errno));

  Services services(options, std::move(directories), zygote);
  Server server(std::move(listener), services, zygote);
  services.inference.Start();
  services.decoders.Start(options.threads);
  constexpr char kReady[] = "ready\n";
  if (write(STDOUT_FILENO, kReady, sizeof(kReady) - 1) < 0) return 0;  // nobody is left who started us
  int status = server.Run();
  // Other threads go on until here; what they refer to is not taken from them.
  _exit(status);
}

}  // namespace
}  // namespace medvec::embedder

int main(int argc, char** argv) {
  using namespace medvec::embedder;  // NOLINT: the program itself
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  Options options;
  try {
    options = ParseOptions(argc, argv);
  } catch (const UsageError& error) {
    std::fprintf(stderr, "medvec-embedder: %s\n%s", error.what(), kUsage);
    return 2;
  }
  try {
    return Main(options);
  } catch (const std::exception& error) {
    Log(error.what());
    _exit(1);
  }
}
