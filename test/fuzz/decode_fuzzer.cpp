// The decoder's requests on arbitrary files: whatever they are, an answer and no report of a sanitizer. The input is
// the file; all four requests are made of it, as of one image in SQL.
#include <cstdlib>

#include "decoder.hpp"
#include "dicom/dictionary.hpp"
#include "service.hpp"

using medvec::protocol::Limits;
using medvec::protocol::RequestKind;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  if (!medvec::decode::dicom::LoadLibraries()) {
    std::abort();
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view image(reinterpret_cast<const char*>(data), size);
  for (const RequestKind kind :
       {RequestKind::image_info, RequestKind::dicom_header, RequestKind::thumbnail, RequestKind::decode}) {
    medvec::embedder::PayloadWriter request;
    request.Put(Limits{4 << 20, 0, -1});
    if (kind == RequestKind::thumbnail) {
      request.Put(uint32_t{32});
    } else if (kind == RequestKind::decode) {
      request.PutString(R"({"height":32,"width":32,"shorter_side":40,"interpolation":"bicubic","frame":"middle"})");
    }
    request.PutString(image);
    const std::vector<std::byte> payload = request.Joined();
    const medvec::decode::Reply reply = medvec::decode::Answer(static_cast<uint16_t>(kind), payload);
    if (reply.kind == medvec::protocol::ReplyKind::error) {
      const std::vector<std::byte> body = reply.payload.Joined();
      const auto code = medvec::embedder::ReadError(body).code;
      if (code == medvec::protocol::ErrorCode::internal || code == medvec::protocol::ErrorCode::bad_request) {
        std::abort();  // a broken file is no fault of ours nor of the caller's
      }
    }
  }
  return 0;
}
