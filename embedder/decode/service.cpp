#include "service.hpp"

#include <new>

#include "decoder.hpp"

namespace medvec::decode {
namespace {

using embedder::PayloadReader;
using embedder::PayloadWriter;
using protocol::Limits;
using protocol::RequestKind;

Bytes BlobOf(PayloadReader& reader) {
  const std::span<const std::byte> blob = reader.GetBlob();
  reader.ExpectEnd();
  return {reinterpret_cast<const uint8_t*>(blob.data()), blob.size()};
}

PayloadWriter Serve(uint16_t kind, PayloadReader reader) {
  PayloadWriter out;
  switch (static_cast<RequestKind>(kind)) {
    case RequestKind::image_info: {
      reader.Get<Limits>();
      for (const std::string& field : ImageInfo(BlobOf(reader))) {
        out.PutString(field);
      }
      return out;
    }
    case RequestKind::dicom_header: {
      reader.Get<Limits>();
      out.PutString(DicomHeader(BlobOf(reader)));
      return out;
    }
    case RequestKind::thumbnail: {
      const auto limits = reader.Get<Limits>();
      const auto size = reader.Get<uint32_t>();
      const std::vector<uint8_t> png = Thumbnail(BlobOf(reader), limits, size);
      out.PutBlob(std::as_bytes(std::span(png)));
      return out;
    }
    case RequestKind::decode: {
      const auto limits = reader.Get<Limits>();
      const embedder::Spec spec = embedder::Spec::Parse(reader.GetString());
      const Tensor tensor = DecodeForModel(BlobOf(reader), limits, spec);
      out.Put(tensor.channels).Put(tensor.height).Put(tensor.width);
      out.PutBytes(std::as_bytes(std::span(tensor.values)));
      return out;
    }
    default:
      throw RequestError(ErrorCode::bad_request, "the decoder does not serve requests of kind " + std::to_string(kind));
  }
}

Reply Failed(const RequestError& error) { return {protocol::ReplyKind::error, embedder::ErrorPayload(error)}; }

}  // namespace

Reply Answer(uint16_t kind, std::span<const std::byte> payload) {
  try {
    return {protocol::ReplyKind::ok, Serve(kind, PayloadReader(payload))};
  } catch (const RequestError& error) {
    return Failed(error);
  } catch (const embedder::SpecError& error) {
    return Failed({ErrorCode::bad_request, error.what()});
  } catch (const embedder::WireError&) {
    return Failed({ErrorCode::bad_request, "malformed request"});
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  } catch (const std::exception& error) {
    return Failed({ErrorCode::internal, "decoding failed", std::string("The decoder says: ") + error.what() + "."});
  } catch (...) {
    return Failed({ErrorCode::internal, "decoding failed"});
  }
  return Failed({ErrorCode::out_of_memory, "out of memory while decoding an image", "",
                 "The image may be larger than it looks, or the decoder's memory limit too low."});
}

}  // namespace medvec::decode
