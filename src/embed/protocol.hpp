// The protocol between a PostgreSQL backend, the embedder and its decoders.
//
// Plain C++ without PostgreSQL: the backend (src/embed) and the programs (embedder/) share this file and nothing else.
// All three run on one machine, so integers and floats travel in the machine's own byte order.
//
// A message is a FrameHeader followed by `length` bytes of payload. A connection carries one request at a time; the
// reply repeats the request's `id`. Closing the connection abandons the request.
//
// In the payload descriptions below
//   str    is a uint32 length followed by that many bytes (UTF-8, no terminating zero)
//   blob   is a uint32 length followed by that many bytes
//   Limits is the struct of that name
#pragma once

#include <cstddef>
#include <cstdint>

namespace medvec::protocol {

inline constexpr uint32_t kMagic = 0x3145564d;  // "MVE1"
inline constexpr uint16_t kVersion = 1;         // raised when any payload below changes

// No frame is longer than this. bytea ends at 1 GB, and so does an array of them.
inline constexpr uint32_t kMaxPayload = 0x7fffffff;

struct FrameHeader {
  uint32_t magic;
  uint16_t version;
  uint16_t kind;    // RequestKind or ReplyKind
  uint32_t id;      // chosen by the client, repeated in the reply
  uint32_t length;  // bytes of payload that follow
};
static_assert(sizeof(FrameHeader) == 16);

// What one image may cost. Checked by whoever decodes, before memory is asked for.
struct Limits {
  uint64_t max_pixels;  // width times height of the chosen frame
  uint32_t timeout_ms;  // wall clock per image; the decoder ends itself when it has passed
  int32_t frame;        // 0-based frame of a multi-frame image, -1: as the model's spec says (first where it is silent)
};
static_assert(sizeof(Limits) == 16);

enum class RequestKind : uint16_t {
  // Limits, str model_path, str model_sha256 (lower-case hex), str spec (JSON), uint32 dimensions, uint32 count,
  // count * blob image.
  // Reply ok: uint32 count, uint32 dimensions, count * dimensions * float32.
  embed = 1,
  // str model_path, str spec (JSON; empty: take the spec stored inside the file).
  // Reply ok: str sha256, uint32 dimensions, str spec (complete, with every default written out).
  inspect_model = 2,
  // Limits, blob image. Reply ok: kImageInfoFields * str, an empty string standing for NULL, in this order:
  // format ("dicom", "png", "jpeg"), width, height, channels, bits, frames, modality, transfer_syntax.
  image_info = 3,
  // Limits, blob image. Reply ok: str, the DICOM JSON model (PS3.18 F) without pixel data.
  dicom_header = 4,
  // Limits, uint32 size, blob image. Reply ok: blob, a PNG whose longer side is at most `size` pixels.
  thumbnail = 5,
  // Empty. Reply ok: str, a JSON object {"version", "pid", "models": [{"sha256", "path"}], "requests", "images",
  // "errors", "decoder_deaths", "decoders", "threads"}.
  status = 6,
  // Embedder to decoder only. Limits, str spec (JSON), blob image.
  // Reply ok: uint32 channels, uint32 height, uint32 width, then that many float32: the network's input, normalised.
  decode = 7,
};

inline constexpr int kImageInfoFields = 8;

enum class ReplyKind : uint16_t {
  ok = 100,
  // uint32 ErrorCode, uint32 index of the image concerned (0 where there is one or none), str message, str detail,
  // str hint. Messages follow PostgreSQL's style: no capital, no full stop; detail and hint are sentences.
  error = 101,
};

// Each code becomes one SQLSTATE in src/embed. Values are part of the protocol.
enum class ErrorCode : uint32_t {
  not_an_image = 1,       // neither DICOM, PNG nor JPEG by its first bytes
  corrupt_image = 2,      // of a known format, and broken
  unsupported = 3,        // a valid image of a kind medvec does not decode (transfer syntax, no pixel data, ...)
  too_large = 4,          // more pixels, frames or bytes than the limits allow
  timeout = 5,            // decoding took longer than Limits::timeout_ms
  decoder_died = 6,       // the decoder crashed on this image
  model_missing = 7,      // the model's file is not there or cannot be read
  model_changed = 8,      // the file's SHA-256 is not the registered one
  model_refused = 9,      // not TorchScript, forbidden operation, or a wrong spec
  model_failed = 10,      // the network threw, or gave another shape than registered
  out_of_memory = 11,     // within the embedder's or decoder's limit
  bad_request = 12,       // the client broke the protocol
  version_mismatch = 13,  // client and embedder are of different protocol versions
  internal = 14,
  invalid_argument = 15,  // no such frame, a thumbnail of a size that is not made
};

}  // namespace medvec::protocol
