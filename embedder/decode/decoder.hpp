// The four things the decoder does with an image file, as functions: no sockets, no state. Each throws RequestError, or
// std::bad_alloc where memory does not suffice.
#pragma once

#include <array>
#include <string>

#include "image.hpp"
#include "spec.hpp"
#include "tensor.hpp"

namespace medvec::decode {

// The file's picture as shown, before geometry. PNG and JPEG have the one frame 0.
Image DecodeImage(Bytes file, const protocol::Limits& limits,
                  embedder::FrameChoice choice = embedder::FrameChoice::first,
                  const std::optional<embedder::Window>& window = {});

Tensor DecodeForModel(Bytes file, const protocol::Limits& limits, const embedder::Spec& spec);

// A PNG whose longer side is `size` (1 to 4096) or, where the picture is smaller, the picture's. Pixels are square in
// it.
std::vector<uint8_t> Thumbnail(Bytes file, const protocol::Limits& limits, uint32_t size);

// In the order of RequestKind::image_info; empty strings for what is not known. Reads headers only.
std::array<std::string, protocol::kImageInfoFields> ImageInfo(Bytes file);

// DICOM JSON model; see dicom/header_json.hpp.
std::string DicomHeader(Bytes file);

}  // namespace medvec::decode
