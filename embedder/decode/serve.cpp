#include "serve.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <vector>

#include "service.hpp"

namespace medvec::decode {
namespace {

using embedder::Frame;

// SIGALRM's default action ends the process, whatever loop it is in.
class Timer {
 public:
  explicit Timer(uint32_t milliseconds) { Set(milliseconds); }
  ~Timer() { Set(0); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 private:
  static void Set(uint32_t milliseconds) {
    itimerval value = {};
    value.it_value.tv_sec = milliseconds / 1000;
    value.it_value.tv_usec = milliseconds % 1000 * 1000;
    setitimer(ITIMER_REAL, &value, nullptr);
  }
};

// Every request of the decoder begins with its limits. 0 stands for no limit.
uint32_t TimeoutOf(const Frame& frame) {
  protocol::Limits limits = {};
  if (frame.payload.size() >= sizeof limits) {
    std::memcpy(&limits, frame.payload.data(), sizeof limits);
  }
  return limits.timeout_ms;
}

Reply OutOfMemory() {
  return {protocol::ReplyKind::error,
          embedder::ErrorPayload({protocol::ErrorCode::out_of_memory, "the decoder is out of memory"})};
}

// A message from the control socket: a descriptor to fork a child for, or the pid of a child to kill.
struct ControlMessage {
  bool end = false;
  int fd = -1;
  int32_t pid = 0;
};

ControlMessage ReceiveControl(int control) {
  char bytes[16];
  iovec part = {bytes, sizeof bytes};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(4 * sizeof(int))];
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  ssize_t received;
  do {
    received = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  ControlMessage result;
  if (received <= 0) {
    result.end = true;
    return result;
  }
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      if (result.fd < 0) {
        result.fd = fd;
      } else {
        close(fd);
      }
    }
  }
  if (result.fd < 0 && received == sizeof result.pid) {
    std::memcpy(&result.pid, bytes, sizeof result.pid);
  }
  return result;
}

[[noreturn]] void RunChild(int fd, pid_t parent, const SandboxLimits& limits, bool sandboxed) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(1);  // the parent died before it could be watched
  }
  signal(SIGCHLD, SIG_DFL);
  dup2(fd, 3);
  close_range(4, ~0U, 0);
  if (sandboxed) {
    EnterSandbox(limits);  // whether there is a filter has been said by the parent
  }
  _exit(ServeConnection(3));
}

// The children that live. A pid is in it until it has been waited for, so it cannot be another process's meanwhile.
class Children {
 public:
  void Add(pid_t pid) { pids_.push_back(pid); }
  void Reap() {
    for (pid_t pid; (pid = waitpid(-1, nullptr, WNOHANG)) > 0;) {
      std::erase(pids_, pid);
    }
  }
  void Kill(pid_t pid) const {
    if (std::find(pids_.begin(), pids_.end(), pid) != pids_.end()) {
      kill(pid, SIGKILL);
    }
  }

 private:
  std::vector<pid_t> pids_;
};

}  // namespace

int ServeConnection(int fd) {
  signal(SIGALRM, SIG_DFL);  // the timer must end us, whatever our parent thought of signals
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  try {
    for (;;) {
      std::optional<Frame> frame;
      const std::optional<protocol::FrameHeader> header = embedder::ReadHeader(fd);
      if (!header) {
        return 0;
      }
      if (header->version != protocol::kVersion) {
        const embedder::PayloadWriter reply = embedder::ErrorPayload(embedder::VersionMismatch(*header));
        embedder::WriteFrame(fd, protocol::ReplyKind::error, header->id, reply);
        return 1;
      }
      try {
        frame = Frame{*header, embedder::ReadPayload(fd, *header, protocol::kMaxPayload)};
      } catch (const std::bad_alloc&) {
        // The payload is still in the socket, so this connection ends with the answer.
        embedder::WriteFrame(fd, protocol::ReplyKind::error, header->id, OutOfMemory().payload);
        shutdown(fd, SHUT_WR);
        char drain[4096];
        while (read(fd, drain, sizeof drain) > 0) {
        }
        return 1;
      }
      const Timer timer(TimeoutOf(*frame));
      const Reply reply = Answer(header->kind, frame->payload);
      embedder::WriteFrame(fd, reply.kind, header->id, reply.payload);
    }
  } catch (const embedder::WireError& error) {
    return error.cause() == embedder::WireError::Cause::closed ? 0 : 1;
  } catch (const std::exception&) {
    return 1;
  }
}

int ServeControl(int control, const SandboxLimits& limits, bool sandboxed) {
  signal(SIGPIPE, SIG_IGN);
  // Children are awaited between messages; the signal only interrupts the wait for the next one.
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(SIGCHLD, &action, nullptr);
  sigset_t child;
  sigset_t none;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, &none);
  const pid_t parent = getpid();
  Children children;
  for (;;) {
    children.Reap();
    pollfd waiting = {control, POLLIN, 0};
    if (ppoll(&waiting, 1, nullptr, &none) < 0) {
      if (errno == EINTR) {
        continue;
      }
      return 1;
    }
    const ControlMessage message = ReceiveControl(control);
    if (message.end) {
      return 0;
    }
    if (message.pid > 0) {
      children.Kill(message.pid);
      continue;
    }
    int32_t answer = -EBADMSG;
    if (message.fd >= 0) {
      const pid_t pid = fork();
      if (pid == 0) {
        RunChild(message.fd, parent, limits, sandboxed);
      }
      if (pid > 0) {
        children.Add(pid);
      }
      answer = pid > 0 ? pid : -errno;
      close(message.fd);
    }
    if (send(control, &answer, sizeof answer, MSG_NOSIGNAL) < 0 && errno != EINTR) {
      return 0;
    }
  }
}

}  // namespace medvec::decode
