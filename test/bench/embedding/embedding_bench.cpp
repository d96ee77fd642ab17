// What the embedder costs: images per second through it, against the same network called straight from C++.
//
//   embedding_bench EMBEDDER DECODER MODEL.pt IMAGES.tar [THREADS] [ROUNDS]
//
// Variants, interleaved round by round since machines are shared; the best round of each counts:
//   network, as loaded     torch::jit::load and forward, intra-op threads: what a straightforward program does
//   network, prepared      the embedder's own preparation, one image a thread: the fastest way that is known to us
//   decode                 the decoder's library, one image a thread
//   decode and network     both, one image a thread, in one process: what the embedder's work costs without the
//   embedder embedder, n images     requests of n PNGs over the socket
// Then CPU time an image, latencies of the first and of later calls, and resident memory with 1 and with 16
// connections.
#include <ATen/Parallel.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <torch/script.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "decoder.hpp"
#include "model.hpp"
#include "unique_fd.hpp"
#include "wire.hpp"

using namespace medvec;            // NOLINT
using namespace medvec::embedder;  // NOLINT
using protocol::RequestKind;

namespace {

double Now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The first `count` PNGs of a tar archive (POSIX ustar: blocks of 512, size in octal at 124).
std::vector<std::string> Images(const std::string& path, size_t count) {
  std::string tar = ReadAll(path);
  std::vector<std::string> images;
  for (size_t at = 0; at + 512 <= tar.size() && images.size() < count;) {
    size_t size = std::stoul("0" + tar.substr(at + 124, 11), nullptr, 8);
    if (tar.compare(at + 512, 4, "\x89PNG") == 0) images.push_back(tar.substr(at + 512, size));
    at += 512 + (size + 511) / 512 * 512;
  }
  if (images.size() < count) throw std::runtime_error(path + " holds too few PNGs");
  return images;
}

class Client {
 public:
  explicit Client(const std::string& path) : socket_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    if (connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }
  Buffer Call(RequestKind kind, const PayloadWriter& payload) {
    WriteFrame(socket_.get(), kind, 1, payload);
    std::optional<Frame> reply = ReadFrame(socket_.get(), protocol::kMaxPayload);
    if (!reply) throw std::runtime_error("the embedder closed the connection");
    if (reply->header.kind != static_cast<uint16_t>(protocol::ReplyKind::ok)) throw ReadError(reply->payload);
    return std::move(reply->payload);
  }

 private:
  UniqueFd socket_;
};

struct Registered {
  std::string path, sha256, spec;
  uint32_t dimensions;
};

class EmbedderProcess {
 public:
  EmbedderProcess(const std::string& program, const std::string& decoder, const std::string& models, int threads) {
    static int number = 0;
    socket_ = "/tmp/medvec-bench-" + std::to_string(getpid()) + "-" + std::to_string(++number);
    int in[2], out[2];
    if (pipe(in) != 0 || pipe(out) != 0) throw std::runtime_error("pipe");
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], 0);
      dup2(out[1], 1);
      for (int fd : {in[0], in[1], out[0], out[1]}) close(fd);
      execl(program.c_str(), program.c_str(), "--socket", socket_.c_str(), "--decoder", decoder.c_str(), "--threads",
            std::to_string(threads).c_str(), "--model-directory", models.c_str(), nullptr);
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    lifeline_ = UniqueFd(in[1]);
    char line[6];
    if (read(out[0], line, 6) != 6) throw std::runtime_error("the embedder does not start");
  }
  ~EmbedderProcess() {
    lifeline_.reset();
    waitpid(pid_, nullptr, 0);
    unlink(socket_.c_str());
  }
  Client Connect() const { return Client(socket_); }

  // Of the embedder and its decoders: seconds of CPU so far.
  double CpuSeconds() const {
    double seconds = Cpu(pid_);
    for (pid_t zygote : Children(pid_)) {
      for (pid_t decoder : Children(zygote)) seconds += Cpu(decoder);
    }
    return seconds;
  }
  double ResidentMegabytes() const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/statm");
    long pages = 0;
    in >> pages >> pages;
    return pages * 4096.0 / (1 << 20);
  }
  double DecoderMegabytes() const {
    double sum = 0;
    for (pid_t zygote : Children(pid_)) {
      for (pid_t decoder : Children(zygote)) {
        std::ifstream in("/proc/" + std::to_string(decoder) + "/statm");
        long pages = 0;
        in >> pages >> pages;
        sum += pages * 4096.0 / (1 << 20);
      }
    }
    return sum;
  }

 private:
  static double Cpu(pid_t pid) {
    double nanoseconds = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
      std::ifstream in(task.path() / "schedstat");
      double value = 0;
      in >> value;
      nanoseconds += value;
    }
    return nanoseconds / 1e9;
  }
  static std::vector<pid_t> Children(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
    return {std::istream_iterator<pid_t>(in), {}};
  }
  pid_t pid_;
  std::string socket_;
  UniqueFd lifeline_;
};

Registered Inspect(Client& client, const std::string& path) {
  PayloadWriter request;
  request.PutString(path).PutString("{}");
  Buffer reply = client.Call(RequestKind::inspect_model, request);
  PayloadReader reader(reply);
  Registered model;
  model.path = path;
  model.sha256 = reader.GetString();
  model.dimensions = reader.Get<uint32_t>();
  model.spec = reader.GetString();
  return model;
}

void Embed(Client& client, const Registered& model, std::span<const std::string> images) {
  PayloadWriter request;
  request.Put(protocol::Limits{uint64_t{1} << 28, 10000, -1}).PutString(model.path).PutString(model.sha256);
  request.PutString(model.spec).Put(model.dimensions).Put(static_cast<uint32_t>(images.size()));
  for (const std::string& image : images) request.PutBlobByReference(std::as_bytes(std::span(image)));
  client.Call(RequestKind::embed, request);
}

// `work(i)` for i < count, on `threads` threads.
void Parallel(int threads, size_t count, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next = 0;
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&] {
      at::set_num_threads(1);
      for (size_t i; (i = next++) < count;) work(i);
    });
  }
  for (std::thread& worker : workers) worker.join();
}

struct Variant {
  std::string name;
  std::function<void()> run;  // all images once
  double best = 1e99;
};

int Run(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: embedding_bench EMBEDDER DECODER MODEL.pt IMAGES.tar [THREADS] [ROUNDS]\n");
    return 2;
  }
  const std::string model_path = argv[3];
  const int threads = argc > 5 ? std::atoi(argv[5]) : static_cast<int>(std::thread::hardware_concurrency());
  const int rounds = argc > 6 ? std::atoi(argv[6]) : 5;
  constexpr size_t kImages = 64;
  const std::vector<std::string> images = Images(argv[4], kImages);
  std::printf("%s, %zu PNGs, %d threads, best of %d rounds\n", model_path.substr(model_path.rfind('/') + 1).c_str(),
              kImages, threads, rounds);

  double start = Now();
  EmbedderProcess process(argv[1], argv[2], model_path.substr(0, model_path.rfind('/')), threads);
  double started = Now();
  Registered model;
  {
    // Registered once, long ago: the model is loaded by the first embed_image of another process.
    Client client = process.Connect();
    model = Inspect(client, model_path);
  }
  double first_call;
  {
    EmbedderProcess fresh(argv[1], argv[2], model_path.substr(0, model_path.rfind('/')), threads);
    Client client = fresh.Connect();
    double begin = Now();
    Embed(client, model, std::span(images).first(1));
    first_call = Now() - begin;
  }

  const Spec spec = Spec::Parse(model.spec);
  const protocol::Limits limits{uint64_t{1} << 28, 0, -1};
  auto decode = [&](size_t i) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(images[i].data());
    return decode::DecodeForModel({bytes, images[i].size()}, limits, spec).values;
  };
  std::vector<std::vector<float>> inputs(kImages);
  for (size_t i = 0; i < kImages; ++i) inputs[i] = decode(i);

  torch::jit::Module loaded = torch::jit::load(model_path);
  loaded.eval();
  const InputShape shape = ShapeOf(spec);
  auto forward_loaded = [&](size_t batch, int intra_op) {
    c10::InferenceMode inference;
    at::set_num_threads(intra_op);
    for (size_t i = 0; i < kImages; i += batch) {
      at::Tensor input = at::empty({static_cast<int64_t>(batch), shape.channels, shape.height, shape.width});
      for (size_t k = 0; k < batch; ++k) {
        std::memcpy(input.data_ptr<float>() + k * shape.size(), inputs[i + k].data(), shape.size() * sizeof(float));
      }
      loaded.forward({input});
    }
  };
  std::string file = ReadAll(model_path);
  std::shared_ptr<Model> prepared = Model::Load(std::as_bytes(std::span(file)), shape);
  Client client = process.Connect();
  auto through_embedder = [&](size_t batch) {
    for (size_t i = 0; i < kImages; i += batch) Embed(client, model, std::span(images).subspan(i, batch));
  };

  std::vector<Variant> variants;
  for (size_t batch : {1, 16, 64}) {
    variants.push_back(
        {"network as loaded, batch " + std::to_string(batch), [&, batch] { forward_loaded(batch, threads); }});
  }
  variants.push_back(
      {"network, prepared", [&] { Parallel(threads, kImages, [&](size_t i) { prepared->Run(inputs[i], spec); }); }});
  variants.push_back({"decode", [&] { Parallel(threads, kImages, [&](size_t i) { decode(i); }); }});
  variants.push_back({"decode and network, prepared",
                      [&] { Parallel(threads, kImages, [&](size_t i) { prepared->Run(decode(i), spec); }); }});
  const size_t first_embedder = variants.size();
  for (size_t batch : {1, 16, 64}) {
    variants.push_back({"embedder, requests of " + std::to_string(batch), [&, batch] { through_embedder(batch); }});
  }
  for (int round = 0; round < rounds + 1; ++round) {
    for (Variant& variant : variants) {
      double begin = Now();
      variant.run();
      if (round > 0) variant.best = std::min(variant.best, Now() - begin);
    }
  }
  double best_loaded = std::min({variants[0].best, variants[1].best, variants[2].best});
  for (const Variant& variant : variants) {
    std::printf("  %-32s %8.1f images/s\n", variant.name.c_str(), kImages / variant.best);
  }
  const double together = variants[first_embedder - 1].best;
  const double embedder = std::min(variants[first_embedder + 1].best, variants[first_embedder + 2].best);
  std::printf(
      "  embedder, relative to: network as loaded %.0f %%, network prepared %.0f %%, decode and network %.0f %%\n",
      100 * best_loaded / embedder, 100 * variants[3].best / embedder, 100 * together / embedder);

  // CPU time does not depend on who else is at work.
  auto own_cpu = [] {
    timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
  };
  auto cpu_of = [&](const std::function<void()>& run, const std::function<double()>& clock) {
    constexpr int kTimes = 3;
    double begin = clock();
    for (int i = 0; i < kTimes; ++i) run();
    return (clock() - begin) / (kTimes * kImages) * 1e3;
  };
  double as_loaded = cpu_of([&] { forward_loaded(16, 1); }, own_cpu);
  double network = cpu_of(variants[3].run, own_cpu);
  double in_process = cpu_of(variants[first_embedder - 1].run, own_cpu);
  double whole = cpu_of([&] { through_embedder(kImages); }, [&] { return process.CpuSeconds(); });
  std::printf(
      "  CPU ms an image: network as loaded (batch 16, 1 thread) %.2f, prepared %.2f; decode and network %.2f; "
      "embedder with decoders %.2f (%.0f %%)\n",
      as_loaded, network, in_process, whole, 100 * in_process / whole);

  std::vector<double> latencies;
  for (size_t i = 0; i < kImages; ++i) {
    double begin = Now();
    Embed(client, model, std::span(images).subspan(i, 1));
    latencies.push_back(Now() - begin);
  }
  std::sort(latencies.begin(), latencies.end());
  std::printf("  start %.0f ms; first call (model not loaded) %.0f ms; later calls median %.1f ms, least %.1f ms\n",
              (started - start) * 1e3, first_call * 1e3, latencies[kImages / 2] * 1e3, latencies[0] * 1e3);

  double resident_one = process.ResidentMegabytes();
  std::vector<std::thread> sessions;
  for (int s = 0; s < 16; ++s) {
    sessions.emplace_back([&] {
      Client session = process.Connect();
      for (int k = 0; k < 3; ++k) Embed(session, model, std::span(images).first(16));
    });
  }
  double resident_peak = 0;
  std::atomic<bool> done = false;
  std::thread watch([&] {
    while (!done) {
      resident_peak = std::max(resident_peak, process.ResidentMegabytes());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  for (std::thread& session : sessions) session.join();
  done = true;
  watch.join();
  std::printf("  resident: %.0f MB with 1 connection, %.0f MB at most with 16 embedding; decoders %.0f MB\n",
              resident_one, resident_peak, process.DecoderMegabytes());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  InitTorch();
  try {
    return Run(argc, argv);
  } catch (const RequestError& error) {
    std::fprintf(stderr, "%s: %s %s\n", error.what(), error.detail.c_str(), error.hint.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 1;
}
