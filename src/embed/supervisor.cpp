// The background worker that keeps the embedder running: one for the whole server, started by the first backend that
// needs it, ended with the server. It connects to no database and touches nothing but SharedState, the socket's
// directory and its child.
//
// The embedder's standard input is a pipe that only the supervisor holds open: whichever way the supervisor ends, the
// embedder reads end-of-file and ends too. Its standard output is a pipe back: the word "ready" says that it listens.
#include "embed/supervisor.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "embed/settings.hpp"
#include "embed/shared_state.hpp"
#include "pg/process.hpp"

namespace medvec::embed {
namespace {

constexpr long kReadyTimeoutMs = 60 * 1000;
constexpr long kFirstDelayMs = 100;
constexpr long kLongestDelayMs = 30 * 1000;
constexpr long kHealthyMs = 60 * 1000;  // an embedder that ran so long starts anew without delay
constexpr long kStopTimeoutMs = 3 * 1000;

struct Child {
  pid_t pid = 0;
  bool ended = false;  // and has been waited for: `status`
  int status = 0;
  int lifeline = -1;  // write end of its standard input
  int output = -1;    // read end of its standard output
};

Child child;

// Its end is known by SIGCHLD: end-of-file on its output would wait for whoever inherited that.
void HandleChildSignal(SIGNAL_ARGS) {
  const int saved_errno = errno;
  SetLatch(MyLatch);
  errno = saved_errno;
}

bool HasEnded() {
  if (!child.ended) {
    const pid_t waited = waitpid(child.pid, &child.status, WNOHANG);
    child.ended = waited == child.pid || (waited < 0 && errno == ECHILD);
  }
  return child.ended;
}

void SetPhase(Phase phase) {
  SharedState* state = Shared();
  LWLockAcquire(&state->lock, LW_EXCLUSIVE);
  state->phase = phase;
  state->embedder = child.pid;
  LWLockRelease(&state->lock);
  ConditionVariableBroadcast(&state->changed);
}

// What the present settings start the program with. Two equal Commands need no restart.
struct Command {
  char program[MAXPGPATH];
  char decoder[MAXPGPATH];
  char bundled_models[MAXPGPATH];
  char models[MAXPGPATH];
  char threads[16];  // empty: as many as there are processors
  char memory[32];
  char decoder_memory[32];
  bool found;
};

void ReadCommand(Command& command) {
  memset(&command, 0, sizeof(command));
  char share[MAXPGPATH];
  get_share_path(my_exec_path, share);
  snprintf(command.bundled_models, MAXPGPATH, "%s/medvec/models", share);
  CopyString(command.models, settings::model_directory);
  if (settings::embedder_threads > 0)
    snprintf(command.threads, sizeof(command.threads), "%d", settings::embedder_threads);
  snprintf(command.memory, sizeof(command.memory), "%lld", settings::embedder_memory_kb * 1024LL);
  snprintf(command.decoder_memory, sizeof(command.decoder_memory), "%lld", settings::decoder_memory_kb * 1024LL);
  command.found = FindEmbedder(command.program, command.decoder);
}

// The program's arguments, null-terminated; `arguments` has room for them.
void FillArguments(const Command& command, const char* (&arguments)[20]) {
  int n = 0;
  auto add = [&](const char* option, const char* value) {
    arguments[n++] = option;
    arguments[n++] = value;
  };
  arguments[n++] = command.program;
  add("--socket", kSocketPath);
  add("--decoder", command.decoder);
  add("--memory-limit", command.memory);
  add("--decoder-memory-limit", command.decoder_memory);
  add("--model-directory", command.bundled_models);
  if (command.models[0] != '\0') add("--model-directory", command.models);
  if (command.threads[0] != '\0') add("--threads", command.threads);
  arguments[n] = nullptr;
}

// Starts the program; 0, or the errno that prevented it.
int Spawn(const Command& command) {
  int input[2];
  int output[2];
  if (pipe2(input, O_CLOEXEC) != 0) return errno;
  if (pipe2(output, O_CLOEXEC | O_NONBLOCK) != 0) {
    const int error = errno;
    close(input[0]);
    close(input[1]);
    return error;
  }

  // Standard error stays the server's log. Nothing else of the server's is inherited: no descriptor, no signal
  // disposition, no environment (which may hold passwords).
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, output[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  const char* arguments[20];
  FillArguments(command, arguments);
  const char* environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", nullptr};
  const int error = posix_spawn(&child.pid, command.program, &files, &attributes, const_cast<char**>(arguments),
                                const_cast<char**>(environment));
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  close(input[0]);
  close(output[1]);
  if (error != 0) {
    child.pid = 0;
    close(input[1]);
    close(output[0]);
    return error;
  }
  child.ended = false;
  child.lifeline = input[1];
  child.output = output[0];

  // If memory runs out, let the kernel take the embedder and not the database.
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", static_cast<int>(child.pid));
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (write(fd, "500", 3) < 0) elog(DEBUG1, "could not raise the embedder's OOM score: %m");
    close(fd);
  }
  return 0;
}

void ClosePipes() {
  if (child.lifeline >= 0) close(child.lifeline);
  if (child.output >= 0) close(child.output);
  child.lifeline = child.output = -1;
}

// Takes note of how the child ended. `expected` where it was told to end.
void Reap(bool expected, bool was_ready) {
  ClosePipes();
  // Told to end, it ends within moments, and by force where it does not.
  for (long waited = 0; !HasEnded(); waited += 10) {
    if (waited >= kStopTimeoutMs) kill(child.pid, SIGKILL);
    pg_usleep(10 * 1000);
  }
  SharedState* state = Shared();
  LWLockAcquire(&state->lock, LW_EXCLUSIVE);
  if (WIFSIGNALED(child.status))
    snprintf(state->last_exit, sizeof(state->last_exit), "was terminated by signal %d (%s)", WTERMSIG(child.status),
             pg_strsignal(WTERMSIG(child.status)));
  else
    snprintf(state->last_exit, sizeof(state->last_exit), "ended with exit status %d", WEXITSTATUS(child.status));
  if (!expected) {
    if (was_ready)
      state->deaths++;
    else
      state->failed_starts++;
  }
  state->embedder = 0;
  state->phase = Phase::waiting;
  char how[sizeof(state->last_exit)];
  CopyString(how, state->last_exit);
  LWLockRelease(&state->lock);
  child.pid = 0;
  ConditionVariableBroadcast(&state->changed);
  if (!expected) ereport(LOG, (errmsg("medvec embedder %s", how)));
}

// Waits until the child says ready; false where it ended, took too long, or shutdown was asked for.
bool WaitReady() {
  const TimestampTz start = GetCurrentTimestamp();
  char text[16];
  size_t length = 0;
  while (!ShutdownRequestPending) {
    // In this order: an embedder that said ready and ended since did start.
    const bool ended = HasEnded();
    const ssize_t got = read(child.output, text + length, sizeof(text) - length);
    if (got > 0) length += got;
    if (memchr(text, '\n', length) != nullptr) return true;
    if (ended) return false;
    // Output closed, or no line: not our program.
    if (length == sizeof(text) || got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
      kill(child.pid, SIGKILL);
      return false;
    }
    const long left = kReadyTimeoutMs - TimestampDifferenceMilliseconds(start, GetCurrentTimestamp());
    if (left <= 0) {
      ereport(LOG, (errmsg("medvec embedder did not start within %ld s", kReadyTimeoutMs / 1000)));
      kill(child.pid, SIGKILL);
      return false;
    }
    (void)WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, child.output,
                            left, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
  }
  return false;
}

// Waits until the child ends, shutdown is asked for, or a changed setting asks for another start. True: it ended.
bool WaitEnded(const Command& running) {
  while (!ShutdownRequestPending) {
    if (HasEnded()) return true;
    if (ConfigReloadPending) {
      ConfigReloadPending = false;
      ProcessConfigFile(PGC_SIGHUP);
      Command wanted;
      ReadCommand(wanted);
      if (memcmp(&wanted, &running, sizeof(wanted)) != 0) return false;
    }
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, -1, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
  }
  return false;
}

// Sleeps unless shutdown is asked for; a reload of the settings ends it too.
void Delay(long milliseconds) {
  const TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
  while (!ShutdownRequestPending) {
    const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
    if (left <= 0) return;
    if (WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left, PG_WAIT_EXTENSION) & WL_LATCH_SET)
      ResetLatch(MyLatch);
    if (ConfigReloadPending) {
      ConfigReloadPending = false;
      ProcessConfigFile(PGC_SIGHUP);
      return;
    }
  }
}

// Takes the one supervisor's place; false where it is taken.
bool TakeOffice() {
  SharedState* state = Shared();
  LWLockAcquire(&state->lock, LW_EXCLUSIVE);
  const bool free = state->supervisor == 0;
  if (free) {
    state->supervisor = MyProcPid;
    state->phase = Phase::starting;
    state->launched_at = 0;
  }
  LWLockRelease(&state->lock);
  return free;
}

void LeaveOffice(int, Datum) {
  if (child.pid != 0) {
    kill(child.pid, SIGTERM);
    Reap(/*expected=*/true, /*was_ready=*/true);
  }
  SharedState* state = Shared();
  LWLockAcquire(&state->lock, LW_EXCLUSIVE);
  state->supervisor = 0;
  state->phase = Phase::stopped;
  LWLockRelease(&state->lock);
  ConditionVariableBroadcast(&state->changed);
}

void MakeDirectory() {
  if (mkdir(kDirectory, S_IRWXU) != 0 && errno != EEXIST)
    ereport(FATAL, (errcode_for_file_access(), errmsg("could not create directory \"%s\": %m", kDirectory)));
  if (chmod(kDirectory, S_IRWXU) != 0)
    ereport(FATAL,
            (errcode_for_file_access(), errmsg("could not set permissions of directory \"%s\": %m", kDirectory)));
}

}  // namespace

bool LaunchSupervisor() {
  BackgroundWorker worker;
  memset(&worker, 0, sizeof(worker));
  CopyString(worker.bgw_name, "medvec embedder supervisor");
  CopyString(worker.bgw_type, "medvec embedder supervisor");
  CopyString(worker.bgw_library_name, "medvec");
  CopyString(worker.bgw_function_name, "medvec_supervisor_main");
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
  worker.bgw_start_time = BgWorkerStart_ConsistentState;
  worker.bgw_restart_time = BGW_NEVER_RESTART;  // the next backend in need starts another
  return RegisterDynamicBackgroundWorker(&worker, nullptr);
}

}  // namespace medvec::embed

extern "C" MEDVEC_EXPORT void medvec_supervisor_main(Datum) {
  using namespace medvec::embed;

  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
  pqsignal(SIGCHLD, HandleChildSignal);
  BackgroundWorkerUnblockSignals();

  if (!TakeOffice()) proc_exit(0);
  before_shmem_exit(LeaveOffice, 0);
  MakeDirectory();

  long delay = 0;
  while (!ShutdownRequestPending) {
    Command command;
    ReadCommand(command);
    SetPhase(Phase::starting);
    const int error = command.found ? Spawn(command) : ENOENT;
    if (error != 0) {
      SharedState* state = Shared();
      LWLockAcquire(&state->lock, LW_EXCLUSIVE);
      snprintf(state->last_exit, sizeof(state->last_exit), "could not be started: %s", strerror(error));
      state->failed_starts++;
      LWLockRelease(&state->lock);
      ereport(LOG, (errmsg("medvec embedder \"%s\" could not be started: %s", command.program, strerror(error))));
      break;  // nothing to supervise: end, and let the next request try again
    }

    bool ready = false;
    bool ended = true;
    const TimestampTz spawned_at = GetCurrentTimestamp();
    if (WaitReady()) {
      ready = true;
      SharedState* state = Shared();
      LWLockAcquire(&state->lock, LW_EXCLUSIVE);
      state->starts++;
      state->started_at = GetCurrentTimestamp();
      LWLockRelease(&state->lock);
      SetPhase(Phase::running);
      ended = WaitEnded(command);
    }
    if (ShutdownRequestPending) break;
    if (!ended) kill(child.pid, SIGTERM);
    const bool healthy = TimestampDifferenceMilliseconds(spawned_at, GetCurrentTimestamp()) >= kHealthyMs;
    Reap(/*expected=*/!ended, ready);
    if (!ended) continue;
    delay = healthy ? 0 : (delay == 0 ? kFirstDelayMs : Min(delay * 2, kLongestDelayMs));
    Delay(delay);
  }
  proc_exit(0);
}
