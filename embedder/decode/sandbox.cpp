#include "sandbox.hpp"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>

namespace medvec::decode {
namespace {

void Limit(decltype(RLIMIT_AS) what, uint64_t value) {
  rlimit now = {};
  getrlimit(what, &now);
  const rlim_t wanted = std::min<rlim_t>(value, now.rlim_max);
  const rlimit limit = {wanted, wanted};
  setrlimit(what, &limit);
}

bool InstallFilter() {
  constexpr int kAllowed[] = {
      // the socket
      SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(write), SCMP_SYS(writev),
      SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(shutdown), SCMP_SYS(close),
      SCMP_SYS(fstat), SCMP_SYS(lseek),
      // memory
      SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
      // time, signals, the end
      SCMP_SYS(setitimer), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
      SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
      SCMP_SYS(rt_sigaction), SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex),
      SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getrandom), SCMP_SYS(getrusage), SCMP_SYS(sched_yield)};
  std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release);
  if (!filter) {
    return false;
  }
  bool good = true;
  for (int call : kAllowed) {
    // A call that this architecture does not have cannot be allowed, nor made.
    const int status = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
    good = good && (status == 0 || call < 0);
  }
  // Memory that is not executable; and only abort() may send a signal, to this very process.
  for (int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    good =
        good && seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
  }
  good =
      good && seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A2(SCMP_CMP_EQ, SIGABRT)) == 0;
  return good && seccomp_load(filter.get()) == 0;
}

}  // namespace

bool EnterSandbox(const SandboxLimits& limits) {
#if !defined(__SANITIZE_ADDRESS__)  // its shadow memory takes terabytes of addresses
  if (limits.memory_bytes != 0) {
    Limit(RLIMIT_AS, limits.memory_bytes);
  }
#else
  static_cast<void>(limits);
#endif
  Limit(RLIMIT_CORE, 0);
  Limit(RLIMIT_FSIZE, 0);
  Limit(RLIMIT_NOFILE, 4);
  Limit(RLIMIT_STACK, 100 << 20);  // DCMTK recurses over nested sequences; structure.cpp bounds it where it can
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return InstallFilter();
}

}  // namespace medvec::decode
