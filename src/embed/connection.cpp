#include "embed/connection.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>

#include "embed/shared_state.hpp"
#include "embed/supervisor.hpp"
#include "pg/catalog.hpp"
#include "pg/process.hpp"

namespace medvec::embed {
namespace {

using protocol::FrameHeader;
using protocol::ReplyKind;
using protocol::RequestKind;

constexpr long kStartTimeoutMs = 30 * 1000;
constexpr long kStatusTimeoutMs = 2 * 1000;
constexpr long kLaunchTimeoutMs = 5 * 1000;  // after that a supervisor asked for is taken to be lost

int connection = -1;
pid_t peer = 0;           // who listened where we connected: the embedder
bool in_request = false;  // a request was begun and its reply not read to the end: the stream is of no more use
uint32_t next_id = 0;

void Disconnect() {
  if (connection < 0) return;
  close(connection);
  ReleaseExternalFD();
  connection = -1;
  in_request = false;
}

// An aborted statement leaves its request unanswered; closing tells the embedder to drop it.
void AtTransactionEnd(XactEvent event, void*) {
  if (in_request && (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT)) Disconnect();
}

void AtSubtransactionEnd(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (in_request && event == SUBXACT_EVENT_ABORT_SUB) Disconnect();
}

// True where the embedder listens and a connection stands.
bool Connect() {
  if (connection >= 0) return true;
  if (!AcquireExternalFD())
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES), errmsg("could not connect to the medvec embedder: %m")));
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    ReleaseExternalFD();
    ereport(ERROR, (errcode_for_socket_access(), errmsg("could not create socket for the medvec embedder: %m")));
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  static_assert(sizeof(kSocketPath) <= sizeof(address.sun_path));
  memcpy(address.sun_path, kSocketPath, sizeof(kSocketPath));
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    connection = fd;
    ucred credentials{};
    socklen_t length = sizeof(credentials);
    peer = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 ? credentials.pid : 0;
    return true;
  }
  // EAGAIN: its queue of new connections is full. As for the other errors, asking again later is the answer.
  close(fd);
  ReleaseExternalFD();
  return false;
}

// Asks for a supervisor where there is none and nobody has just asked. Called with the lock held; releases it.
void LaunchIfNeeded(SharedState* state) {
  const TimestampTz now = GetCurrentTimestamp();
  const bool asked = state->launched_at != 0 &&
                     !TimestampDifferenceExceeds(state->launched_at, now, static_cast<int>(kLaunchTimeoutMs));
  const bool ask = state->supervisor == 0 && !asked;
  if (ask) state->launched_at = now;
  LWLockRelease(&state->lock);
  if (!ask) return;

  char program[MAXPGPATH];
  char decoder[MAXPGPATH];
  const bool installed = FindEmbedder(program, decoder);
  const bool launched = installed && LaunchSupervisor();
  if (launched) return;
  LWLockAcquire(&state->lock, LW_EXCLUSIVE);
  state->launched_at = 0;
  LWLockRelease(&state->lock);
  if (!installed)
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FILE), errmsg("the medvec embedder is not installed"),
                    errdetail("There is no program \"%s\" with medvec-decoder beside it.", program),
                    errhint("Build and install medvec without EMBEDDER=no, or set medvec.embedder_path.")));
  ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                  errmsg("could not start the medvec embedder: no background worker is free"),
                  errhint("Increase max_worker_processes.")));
}

void ConnectOrStart() {
  if (Connect()) return;
  SharedState* state = Shared();
  const TimestampTz start = GetCurrentTimestamp();
  int64 failed_before = -1;
  ConditionVariablePrepareToSleep(&state->changed);
  while (!Connect()) {
    CHECK_FOR_INTERRUPTS();
    LWLockAcquire(&state->lock, LW_EXCLUSIVE);
    if (failed_before < 0) failed_before = state->failed_starts;
    const bool failed = state->failed_starts > failed_before;
    char last_exit[sizeof(state->last_exit)];
    CopyString(last_exit, state->last_exit);
    const bool late = TimestampDifferenceExceeds(start, GetCurrentTimestamp(), static_cast<int>(kStartTimeoutMs));
    if (failed || late) {
      LWLockRelease(&state->lock);
      ConditionVariableCancelSleep();
      ereport(ERROR, (errcode(ERRCODE_SYSTEM_ERROR),
                      failed ? errmsg("the medvec embedder could not be started")
                             : errmsg("the medvec embedder did not start within %ld s", kStartTimeoutMs / 1000),
                      last_exit[0] != '\0' ? errdetail("It %s.", last_exit) : 0,
                      errhint("The server's log has the embedder's own messages.")));
    }
    LaunchIfNeeded(state);  // releases the lock
    // Woken by a change; the time-out covers an embedder whose queue of connections is full.
    ConditionVariableTimedSleep(&state->changed, 100, PG_WAIT_EXTENSION);
  }
  ConditionVariableCancelSleep();
}

constexpr long kForever = -1;

// After a connection was lost: waits until the embedder at its other end is gone and has been reaped. A process that is
// being killed still accepts connections for a moment, and a request sent there would be lost a second time. One that
// lives after all has dropped this connection only.
void WaitForEndOf(pid_t embedder) {
  constexpr int kLongestWaitMs = 1000;
  SharedState* state = Shared();
  const TimestampTz start = GetCurrentTimestamp();
  ConditionVariablePrepareToSleep(&state->changed);
  while (embedder != 0 && kill(embedder, 0) == 0 &&
         !TimestampDifferenceExceeds(start, GetCurrentTimestamp(), kLongestWaitMs))
    ConditionVariableTimedSleep(&state->changed, 20, PG_WAIT_EXTENSION);
  ConditionVariableCancelSleep();
}

// Waits until the socket is ready for `events` (WL_SOCKET_…), and returns those it is ready for; none where nothing
// happened for so long.
int Wait(int events, long timeout_ms) {
  const int timeout_event = timeout_ms == kForever ? 0 : WL_TIMEOUT;
  for (;;) {
    const int happened = WaitLatchOrSocket(MyLatch, events | timeout_event | WL_LATCH_SET | WL_EXIT_ON_PM_DEATH,
                                           connection, timeout_ms, PG_WAIT_EXTENSION);
    if (happened & WL_LATCH_SET) ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
    if (happened & events) return happened & events;
    if (happened & WL_TIMEOUT) return 0;
  }
}

enum class Io { done, lost };

// Sends all pieces. An embedder that refuses a request early answers before it has read it all: then sending stops,
// and the reply is there to be read.
Io Send(std::span<iovec> pieces) {
  size_t first = 0;
  while (first < pieces.size()) {
    msghdr message{};
    message.msg_iov = &pieces[first];
    message.msg_iovlen = Min(pieces.size() - first, size_t{64});
    const ssize_t sent = sendmsg(connection, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return Io::lost;
      if (Wait(WL_SOCKET_WRITEABLE | WL_SOCKET_READABLE, kForever) & WL_SOCKET_READABLE) return Io::done;
      continue;
    }
    size_t left = sent;
    while (first < pieces.size() && left >= pieces[first].iov_len) left -= pieces[first++].iov_len;
    if (left > 0) {
      pieces[first].iov_base = static_cast<char*>(pieces[first].iov_base) + left;
      pieces[first].iov_len -= left;
    }
  }
  return Io::done;
}

// Lost, too, where the embedder is silent for so long.
Io Receive(char* to, size_t length, long timeout_ms) {
  while (length > 0) {
    const ssize_t got = recv(connection, to, length, 0);
    if (got == 0) return Io::lost;
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return Io::lost;
      if (Wait(WL_SOCKET_READABLE, timeout_ms) == 0) return Io::lost;
      continue;
    }
    to += got;
    length -= got;
  }
  return Io::done;
}

// One try on the connection that stands. Leaves in_request set where the reply was not read to the end.
Io Exchange(RequestKind kind, std::span<const iovec> request, size_t length, long timeout_ms, Reply& reply) {
  const uint32_t id = ++next_id;
  FrameHeader header{protocol::kMagic, protocol::kVersion, static_cast<uint16_t>(kind), id,
                     static_cast<uint32_t>(length)};
  auto* pieces = static_cast<iovec*>(palloc((request.size() + 1) * sizeof(iovec)));
  pieces[0] = {&header, sizeof(header)};
  for (size_t i = 0; i < request.size(); i++) pieces[i + 1] = request[i];

  in_request = true;
  FrameHeader answer;
  if (Send({pieces, request.size() + 1}) == Io::lost) return Io::lost;
  if (Receive(reinterpret_cast<char*>(&answer), sizeof(answer), timeout_ms) == Io::lost) return Io::lost;
  if (answer.magic != protocol::kMagic || answer.version != protocol::kVersion || answer.id != id ||
      answer.length > protocol::kMaxPayload) {
    Disconnect();
    ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
                    errmsg("the medvec embedder speaks another protocol than this library"),
                    errdetail("The library speaks version %d.", protocol::kVersion),
                    errhint("Restart the server after an upgrade of medvec.")));
  }
  auto* payload = static_cast<char*>(palloc_extended(Max(answer.length, 1u), MCXT_ALLOC_HUGE));
  if (Receive(payload, answer.length, timeout_ms) == Io::lost) return Io::lost;
  in_request = false;
  pfree(pieces);
  reply.kind = static_cast<ReplyKind>(answer.kind);
  reply.payload = {payload, answer.length};
  return Io::done;
}

size_t LengthOf(std::span<const iovec> request) {
  size_t length = 0;
  for (const iovec& piece : request) length += piece.iov_len;
  if (length > protocol::kMaxPayload)
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("images of one call exceed 2 GB"),
                    errhint("Embed them in smaller batches.")));
  return length;
}

}  // namespace

Reply Call(RequestKind kind, std::span<const iovec> request) {
  const size_t length = LengthOf(request);
  Reply reply{};
  if (in_request) Disconnect();
  // A kept connection may be to an embedder that has ended since; that does not count as a death of this request.
  bool fresh = connection < 0;
  for (int deaths = 0;;) {
    ConnectOrStart();
    if (Exchange(kind, request, length, kForever, reply) == Io::done) return reply;
    Disconnect();
    if (fresh && ++deaths == 2) break;
    fresh = true;
    WaitForEndOf(peer);
  }
  ereport(ERROR, (errcode(ERRCODE_SYSTEM_ERROR), errmsg("the medvec embedder died while it worked on this request"),
                  errhint("The server's log has the embedder's own messages. Its memory is limited by "
                          "medvec.embedder_memory.")));
}

Reply CallIfRunning(RequestKind kind, std::span<const iovec> request) {
  Reply reply{ReplyKind::error, {}};
  const size_t length = LengthOf(request);
  if (in_request) Disconnect();
  if (!Connect()) return reply;
  if (Exchange(kind, request, length, kStatusTimeoutMs, reply) == Io::lost) {
    Disconnect();
    return {ReplyKind::error, {}};
  }
  return reply;
}

void RegisterConnectionCallbacks() {
  RegisterXactCallback(AtTransactionEnd, nullptr);
  RegisterSubXactCallback(AtSubtransactionEnd, nullptr);
}

}  // namespace medvec::embed
