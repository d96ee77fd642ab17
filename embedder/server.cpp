#include "server.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include "log.hpp"
#include "thread.hpp"

namespace medvec::embedder {
namespace {

// What epoll reports; connections are numbered after these. Numbers are not used again, unlike descriptors, so that a
// late report about a closed connection cannot hit a new one.
enum : uint64_t { kLifeline, kSignals, kListener, kZygote, kFirstConnection };

constexpr std::chrono::seconds kLongestRun{300};  // of one image in a network, or of loading one
constexpr int kWatchdogIntervalMs = 10'000;

[[noreturn]] void Fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

}  // namespace

UniqueFd ListenAt(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw std::runtime_error("socket path \"" + path + "\" is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) Fail("socket");
  if (unlink(path.c_str()) != 0 && errno != ENOENT) Fail("could not remove \"" + path + "\"");
  mode_t mask = umask(0177);
  int bound = bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  umask(mask);
  if (bound != 0) Fail("could not bind \"" + path + "\"");
  if (listen(listener.get(), SOMAXCONN) != 0) Fail("listen");
  return listener;
}

Server::Server(UniqueFd listener, Services& services, DecoderZygote& zygote)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      listener_(std::move(listener)),
      services_(services),
      zygote_(zygote),
      next_id_(kFirstConnection) {
  if (!epoll_) Fail("epoll_create1");
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGQUIT);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  signals_ = UniqueFd(signalfd(-1, &ending, SFD_CLOEXEC));
  if (!signals_) Fail("signalfd");
  Watch(signals_.get(), EPOLLIN, kSignals);
  Watch(STDIN_FILENO, EPOLLIN, kLifeline);
  Watch(listener_.get(), EPOLLIN, kListener);
  Watch(zygote_.control(), EPOLLRDHUP, kZygote);
}

void Server::Watch(int fd, uint32_t events, uint64_t id) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    if (id == kLifeline && errno == EPERM) throw std::runtime_error("standard input must be a pipe or a terminal");
    Fail("epoll_ctl");
  }
}

int Server::Run() {
  for (;;) {
    epoll_event events[64];
    int count = epoll_wait(epoll_.get(), events, 64, kWatchdogIntervalMs);
    if (count < 0 && errno != EINTR) Fail("epoll_wait");
    for (int i = 0; i < count; ++i) {
      switch (uint64_t id = events[i].data.u64; id) {
        case kLifeline: {
          char bytes[256];
          if (read(STDIN_FILENO, bytes, sizeof(bytes)) <= 0) return 0;
          break;
        }
        case kSignals:
          return 0;
        case kListener:
          Accept();
          break;
        case kZygote:
          Log("the decoder has ended; ending too, to be started again");
          return 1;
        default: {
          std::shared_ptr<Connection> connection;
          {
            std::lock_guard lock(mutex_);
            auto found = connections_.find(id);
            if (found != connections_.end()) connection = found->second;
          }
          if (connection) connection->PeerClosed();
        }
      }
    }
    if (services_.watchdog.Longest() > kLongestRun) {
      Log("a model has been running for more than " + std::to_string(kLongestRun.count()) +
          " seconds; ending, to be started again");
      return 1;
    }
  }
}

void Server::Accept() {
  UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
    Log(std::string("could not accept a connection: ") + std::strerror(errno));
    usleep(100'000);  // short of descriptors or memory: the connection waits, and so do we
    return;
  }
  uint64_t id = next_id_++;
  auto connection = std::make_shared<Connection>(std::move(socket), services_);
  {
    std::lock_guard lock(mutex_);
    connections_.emplace(id, connection);
  }
  try {
    Watch(connection->fd(), EPOLLRDHUP | EPOLLONESHOT, id);
    Thread(kConnectionStack, [this, id, connection]() mutable {
      connection->Run();
      Remove(id, connection->fd());
      connection.reset();
    }).Detach();
  } catch (const std::exception& error) {
    Log(std::string("could not serve a connection: ") + error.what());
    Remove(id, connection->fd());
  }
}

void Server::Remove(uint64_t id, int fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  std::lock_guard lock(mutex_);
  connections_.erase(id);
}

}  // namespace medvec::embedder
