#include "connection.hpp"

#include <algorithm>
#include <new>
#include <vector>

#include "log.hpp"

namespace medvec::embedder {

using protocol::ErrorCode;
using protocol::ReplyKind;
using protocol::RequestKind;
using Cause = WireError::Cause;

namespace {

constexpr size_t kFreeRequest = 64 << 10;   // not counted
constexpr size_t kSmallRequest = 16 << 20;  // counted apart from larger ones
constexpr size_t kTransferStep = 4 << 20;

// A client that stops in the middle of a message (it may hang in a debugger) holds memory others wait for: each step of
// a transfer has its time.
Deadline StepDeadline() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }
Deadline ReplyDeadline() { return std::chrono::steady_clock::now() + std::chrono::seconds(600); }

RequestError OutOfMemory() {
  return {ErrorCode::out_of_memory, "out of memory in the embedder", {}, "Raise medvec.embedder_memory, or send less."};
}

RequestError BadRequest(const std::string& detail) {
  return {ErrorCode::bad_request, "the embedder does not understand the request", detail, {}};
}

}  // namespace

void Connection::Run() {
  try {
    while (Serve()) {
    }
  } catch (const WireError& error) {
    if (error.cause() == Cause::closed) return;
    ++services_.counters.errors;
    Log(std::string("closing a connection: ") + error.what());
  } catch (const std::exception& error) {
    Log(std::string("closing a connection: ") + error.what());
  }
}

void Connection::PeerClosed() {
  std::lock_guard lock(mutex_);
  peer_closed_ = true;
  if (current_) current_->Cancel();
}

bool Connection::Serve() {
  std::optional<protocol::FrameHeader> header;
  try {
    header = ReadHeader(fd());
  } catch (const WireError& error) {
    if (error.cause() == Cause::malformed || error.cause() == Cause::too_long) ReplyError(0, BadRequest(error.what()));
    throw;
  }
  if (!header) return false;
  ++services_.counters.requests;
  if (header->version != protocol::kVersion) {
    Discard(header->length);
    ReplyError(header->id, VersionMismatch(*header));
    return false;
  }
  ByteBudget::Lease lease = TakeBudget(header->length);
  Buffer payload;
  try {
    payload = Buffer(header->length);
  } catch (const std::bad_alloc&) {
    Discard(header->length);
    ReplyError(header->id, OutOfMemory());
    return true;
  }
  for (std::span<std::byte> rest = payload.writable(); !rest.empty();) {
    std::span<std::byte> step = rest.first(std::min(rest.size(), kTransferStep));
    if (!ReadExactly(fd(), step, StepDeadline())) return false;
    rest = rest.subspan(step.size());
  }
  try {
    Answer(*header, std::move(payload), std::move(lease));
  } catch (const RequestError& error) {
    ReplyError(header->id, error);
  } catch (const WireError& error) {
    // A payload that is not what its kind says: the stream is still in step.
    if (error.cause() != Cause::malformed) throw;
    ReplyError(header->id, BadRequest(error.what()));
  } catch (const std::bad_alloc&) {
    ReplyError(header->id, OutOfMemory());
  } catch (const std::system_error& error) {
    ReplyError(header->id, {ErrorCode::internal, "the embedder could not do the request", error.what()});
  }
  return true;
}

ByteBudget::Lease Connection::TakeBudget(size_t bytes) {
  if (bytes <= kFreeRequest) return {};
  return (bytes <= kSmallRequest ? services_.small_requests : services_.large_requests).Take(bytes);
}

void Connection::Answer(const protocol::FrameHeader& header, Buffer payload, ByteBudget::Lease lease) {
  auto kind = static_cast<RequestKind>(header.kind);
  switch (kind) {
    case RequestKind::embed:
      return Embed(header.id, std::move(payload), std::move(lease));
    case RequestKind::inspect_model:
      return Inspect(header.id, payload);
    case RequestKind::image_info:
    case RequestKind::dicom_header:
    case RequestKind::thumbnail:
      return Relay(kind, header.id, std::move(payload), std::move(lease));
    case RequestKind::status:
      return Reply(header.id, PayloadWriter().PutString(StatusJson(services_)));
    case RequestKind::decode:
      break;
  }
  throw BadRequest("There is no request of kind " + std::to_string(header.kind) + ".");
}

bool Connection::Complete(const std::shared_ptr<ImageRequest>& request) {
  {
    std::lock_guard lock(mutex_);
    if (peer_closed_) return false;
    current_ = request;
  }
  struct Release {
    Connection& connection;
    ~Release() {
      std::lock_guard lock(connection.mutex_);
      connection.current_.reset();
    }
  } release{*this};
  services_.decoders.Submit(request);
  return request->Wait();
}

void Connection::Embed(uint32_t id, Buffer payload, ByteBudget::Lease lease) {
  auto request = std::make_shared<EmbedRequest>(std::move(payload), std::move(lease));
  request->Prepare(services_.models.Get(request->model_path(), request->model_sha256(), ShapeOf(request->spec())),
                   services_.inference,
                   std::min<uint64_t>(services_.options.request_bytes(), protocol::kMaxPayload - 8));
  if (!Complete(request)) return;
  PayloadWriter reply;
  reply.Put(request->count()).Put(request->dimensions()).PutBytesByReference(request->vectors());
  Reply(id, reply);
}

void Connection::Inspect(uint32_t id, const Buffer& payload) {
  PayloadReader reader(payload);
  std::string path(reader.GetString());
  std::string spec(reader.GetString());
  reader.ExpectEnd();
  ModelRegistry::Inspection inspection = services_.models.Inspect(path, spec);
  PayloadWriter reply;
  reply.PutString(inspection.sha256).Put(inspection.dimensions).PutString(inspection.spec.ToJson());
  Reply(id, reply);
}

void Connection::Relay(RequestKind kind, uint32_t id, Buffer payload, ByteBudget::Lease lease) {
  auto request = std::make_shared<RelayRequest>(kind, std::move(payload), std::move(lease));
  if (!Complete(request)) return;
  PayloadWriter reply;
  reply.PutBytesByReference(request->reply());
  Reply(id, reply);
}

void Connection::Reply(uint32_t id, const PayloadWriter& payload) {
  WriteFrame(fd(), ReplyKind::ok, id, payload, ReplyDeadline());
}

void Connection::ReplyError(uint32_t id, const RequestError& error) {
  ++services_.counters.errors;
  WriteFrame(fd(), ReplyKind::error, id, ErrorPayload(error), ReplyDeadline());
}

void Connection::Discard(size_t bytes) {
  std::byte scratch[16384];
  while (bytes > 0) {
    size_t part = std::min(bytes, sizeof(scratch));
    if (!ReadExactly(fd(), {scratch, part}, StepDeadline())) return;
    bytes -= part;
  }
}

}  // namespace medvec::embedder
