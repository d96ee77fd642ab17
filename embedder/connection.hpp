// One client: reads its requests, has them done, answers. Runs on a thread of its own.
#pragma once

#include <memory>
#include <mutex>

#include "image_request.hpp"
#include "services.hpp"
#include "unique_fd.hpp"
#include "wire.hpp"

namespace medvec::embedder {

class Connection {
 public:
  Connection(UniqueFd socket, Services& services) : socket_(std::move(socket)), services_(services) {}

  // Until the client closes or cannot be understood any more.
  void Run();

  // The client has closed: what it waits for is dropped. Called by another thread.
  void PeerClosed();

  int fd() const { return socket_.get(); }

 private:
  // One request; false at the end.
  bool Serve();
  ByteBudget::Lease TakeBudget(size_t bytes);
  void Answer(const protocol::FrameHeader& header, Buffer payload, ByteBudget::Lease lease);
  void Embed(uint32_t id, Buffer payload, ByteBudget::Lease lease);
  void Inspect(uint32_t id, const Buffer& payload);
  void Relay(protocol::RequestKind kind, uint32_t id, Buffer payload, ByteBudget::Lease lease);
  // Puts the images through decoders (and networks). False when the client has gone meanwhile.
  bool Complete(const std::shared_ptr<ImageRequest>& request);
  void Reply(uint32_t id, const PayloadWriter& payload);
  void ReplyError(uint32_t id, const RequestError& error);
  void Discard(size_t bytes);

  UniqueFd socket_;
  Services& services_;
  std::mutex mutex_;
  bool peer_closed_ = false;
  std::shared_ptr<ImageRequest> current_;
};

}  // namespace medvec::embedder
