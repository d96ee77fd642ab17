#include "sandbox.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "unique_fd.hpp"

namespace medvec::embedder {
namespace {

// Every access to files a kernel of some Landlock version can take away. The newer ones are not in Debian 12's header.
uint64_t FileAccessOfVersion(int version) {
  uint64_t access = (uint64_t{1} << 13) - 1;      // version 1: execute, write, read, list, remove, make
  if (version >= 2) access |= uint64_t{1} << 13;  // refer
  if (version >= 3) access |= uint64_t{1} << 14;  // truncate
  if (version >= 5) access |= uint64_t{1} << 15;  // ioctl of devices
  return access;
}

void AllowReading(int ruleset, const char* path) {
  UniqueFd fd(open(path, O_PATH | O_CLOEXEC));
  if (!fd) return;  // not on this machine
  struct stat status;
  landlock_path_beneath_attr rule{};
  rule.parent_fd = fd.get();
  rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
  if (fstat(fd.get(), &status) == 0 && S_ISDIR(status.st_mode)) rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
  syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

// Started or reached from here: nothing. Changed on disk: nothing. Seen of other processes: nothing.
constexpr const char* kForbidden[] = {
    "execve",
    "execveat",
    "fork",
    "vfork",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    "kcmp",
    "socket",
    "connect",
    "bind",
    "listen",
    "creat",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "mknod",
    "mknodat",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "truncate",
    "ftruncate",
    "fallocate",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "utime",
    "utimes",
    "utimensat",
    "futimesat",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "swapon",
    "swapoff",
    "acct",
    "quotactl",
    "reboot",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "shmget",
    "shmat",
    "shmctl",
    "semget",
    "semop",
    "semctl",
    "msgget",
    "msgsnd",
    "msgrcv",
    "msgctl",
    "mq_open",
    "mq_unlink",
    "name_to_handle_at",
    "open_by_handle_at",
    "fanotify_init",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "setfsuid",
    "setfsgid",
    "capset",
    "personality",
    "ioperm",
    "iopl",
    "syslog",
    "sethostname",
    "setdomainname",
    "settimeofday",
    "clock_settime",
    "adjtimex",
    "clock_adjtime",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "kill",
    "tkill",
    "setpriority",
    "sched_setaffinity",
    "chdir",
    "fchdir",

    "setrlimit",
};

// Whoever tries these falls back to what the filter can look into.
constexpr const char* kAbsent[] = {"clone3", "openat2", "io_uring_setup", "io_uring_enter", "io_uring_register"};

bool Deny(scmp_filter_ctx filter, const char* name, int error) {
  int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return true;  // older than libseccomp, or of another machine
  int status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(error), number, 0);
  return status == 0 || status == -EDOM;
}

bool AddRules(scmp_filter_ctx filter) {
  for (const char* name : kForbidden) {
    if (!Deny(filter, name, EPERM)) return false;
  }
  for (const char* name : kAbsent) {
    if (!Deny(filter, name, ENOSYS)) return false;
  }
  // Threads, yes; processes, no.
  int status =
      seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  // Reading, yes; anything else, no.
  for (uint64_t flag : {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE & ~O_DIRECTORY}) {
    status |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat), 1,
                               SCMP_A2_32(SCMP_CMP_MASKED_EQ, flag, flag));
#ifdef __NR_open
    status |=
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(open), 1, SCMP_A1_32(SCMP_CMP_MASKED_EQ, flag, flag));
#endif
  }
  // Limits may be looked at.
  status |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1, SCMP_A2_64(SCMP_CMP_NE, 0));
  // Nobody but ourselves is sent a signal (abort() does that).
  status |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 1,
                             SCMP_A0_32(SCMP_CMP_NE, static_cast<uint32_t>(getpid())));
  return status == 0;
}

}  // namespace

void LimitResources(uint64_t memory_limit) {
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  rlimit core{0, 0};
  setrlimit(RLIMIT_CORE, &core);
  if (memory_limit > 0) {
    rlimit data{memory_limit, memory_limit};
    setrlimit(RLIMIT_DATA, &data);
  }
  prctl(PR_SET_DUMPABLE, 0);
}

bool RestrictFiles(const std::vector<std::string>& readable) {
  int version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return false;
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = FileAccessOfVersion(version);
  UniqueFd ruleset(syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0));
  if (!ruleset) return false;
  for (const std::string& path : readable) AllowReading(ruleset.get(), path.c_str());
  for (const char* path :
       {"/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/proc/self", "/proc/cpuinfo",
        "/proc/meminfo", "/proc/stat", "/sys/devices/system", "/dev/null", "/dev/urandom"}) {
    AllowReading(ruleset.get(), path);
  }
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0;
}

bool RestrictSystemCalls() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == nullptr) {
    errno = ENOMEM;
    return false;
  }
  // Every thread, should a library have started one already. libseccomp sets no_new_privs.
  bool ready = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 && AddRules(filter);
  int status = ready ? seccomp_load(filter) : -EINVAL;
  seccomp_release(filter);
  errno = -status;
  return status == 0;
}

}  // namespace medvec::embedder
