#include "decoder_zygote.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "wire.hpp"

namespace medvec::embedder {
namespace {

constexpr int kControlInDecoder = 3;
constexpr int kForkTimeoutMs = 10'000;

RequestError NoDecoder(const std::string& detail) {
  return {protocol::ErrorCode::internal, "could not start an image decoder", detail,
          "The server may be short of processes or memory; try again."};
}

}  // namespace

DecoderZygote::DecoderZygote(const std::string& program, uint64_t memory_limit) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::runtime_error(std::string("socketpair: ") + std::strerror(errno));
  }
  control_ = UniqueFd(ends[0]);
  UniqueFd theirs(ends[1]);

  std::vector<std::string> words = {program, "--control", std::to_string(kControlInDecoder)};
  if (memory_limit > 0) {
    words.push_back("--memory-limit");
    words.push_back(std::to_string(memory_limit));
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), kControlInDecoder);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&actions, kControlInDecoder + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t pid;
  int error = posix_spawn(&pid, program.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("could not start \"" + program + "\": " + std::strerror(error));
}

DecoderChild DecoderZygote::Fork() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw NoDecoder(std::strerror(errno));
  DecoderChild child{UniqueFd(ends[0]), 0};
  UniqueFd theirs(ends[1]);

  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof(ancillary);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  int fd = theirs.get();
  std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));

  std::lock_guard lock(mutex_);
  if (sendmsg(control_.get(), &message, MSG_NOSIGNAL) != 1) throw NoDecoder(std::strerror(errno));
  pollfd answer{control_.get(), POLLIN, 0};
  int ready;
  do {
    ready = poll(&answer, 1, kForkTimeoutMs);
  } while (ready < 0 && errno == EINTR);
  int32_t pid = 0;
  if (ready <= 0 || recv(control_.get(), &pid, sizeof(pid), 0) != sizeof(pid)) {
    // Out of step with the zygote now, and it is ill anyway: shutting the socket down makes the server end.
    shutdown(control_.get(), SHUT_RDWR);
    throw NoDecoder("The process that decoders are forked from does not answer.");
  }
  if (pid <= 0) throw NoDecoder(std::strerror(-pid));
  child.pid = pid;
  return child;
}

void DecoderZygote::Kill(const DecoderChild& child) {
  const int32_t pid = child.pid;
  std::lock_guard lock(mutex_);
  // Not answered. Where it cannot be sent the zygote is dying, and its children with it.
  static_cast<void>(!send(control_.get(), &pid, sizeof(pid), MSG_NOSIGNAL));
}

}  // namespace medvec::embedder
