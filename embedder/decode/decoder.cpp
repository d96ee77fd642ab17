#include "decoder.hpp"

#include <algorithm>
#include <cmath>

#include "dicom/header_json.hpp"
#include "dicom/info.hpp"
#include "dicom/pixels.hpp"
#include "jpeg.hpp"
#include "png.hpp"
#include "resize.hpp"
#include "sniff.hpp"

namespace medvec::decode {

Image DecodeImage(Bytes file, const protocol::Limits& limits, embedder::FrameChoice choice,
                  const std::optional<embedder::Window>& window) {
  const Format format = Sniff(file);
  if (format == Format::dicom) {
    return dicom::DecodeFrame(dicom::ReadStructure(file), limits.max_pixels, limits.frame, choice, window);
  }
  if (limits.frame > 0) {
    throw RequestError(ErrorCode::invalid_argument, "frame " + std::to_string(limits.frame + 1) + " does not exist",
                       "A PNG or JPEG image has one frame.");
  }
  return format == Format::png ? DecodePng(file, limits.max_pixels) : DecodeJpeg(file, limits.max_pixels);
}

Tensor DecodeForModel(Bytes file, const protocol::Limits& limits, const embedder::Spec& spec) {
  return MakeTensor(DecodeImage(file, limits, spec.frame, spec.window), spec);
}

std::vector<uint8_t> Thumbnail(Bytes file, const protocol::Limits& limits, uint32_t size) {
  constexpr uint32_t kMaxSize = 4096;
  if (size < 1 || size > kMaxSize) {
    throw RequestError(ErrorCode::invalid_argument, "thumbnail size " + std::to_string(size) + " is out of range",
                       "It must be from 1 to " + std::to_string(kMaxSize) + ".");
  }
  const Image image = DecodeImage(file, limits);
  // Square pixels come of making the finer axis coarser, so that nothing is enlarged.
  const double shown_width = image.pixel_aspect >= 1 ? image.width() / image.pixel_aspect : image.width();
  const double shown_height = image.pixel_aspect >= 1 ? image.height() : image.height() * image.pixel_aspect;
  const double scale = std::min(1.0, size / std::max(shown_width, shown_height));
  const int width = static_cast<int>(std::clamp<int64_t>(std::llround(shown_width * scale), 1, size));
  const int height = static_cast<int>(std::clamp<int64_t>(std::llround(shown_height * scale), 1, size));
  const std::vector<float> values =
      Resample(image, width, height, {0, 0, width, height}, embedder::Interpolation::bilinear);
  std::vector<uint8_t> pixels(values.size());
  std::transform(values.begin(), values.end(), pixels.begin(),
                 [](float value) { return static_cast<uint8_t>(std::clamp(value, 0.0f, 1.0f) * 255 + 0.5f); });
  return EncodePng(width, height, image.channels(), pixels);
}

std::array<std::string, protocol::kImageInfoFields> ImageInfo(Bytes file) {
  auto text = [](int value) { return std::to_string(value); };
  switch (Sniff(file)) {
    case Format::png: {
      const PngInfo info = ReadPngInfo(file);
      return {"png", text(info.width), text(info.height), text(info.channels), text(info.bits), "1", "", ""};
    }
    case Format::jpeg: {
      const JpegInfo info = ReadJpegInfo(file);
      return {"jpeg", text(info.width), text(info.height), text(info.channels), text(info.bits), "1", "", ""};
    }
    case Format::dicom:
      break;
  }
  return dicom::Info(dicom::ReadStructure(file));
}

std::string DicomHeader(Bytes file) {
  if (Sniff(file) != Format::dicom) {
    throw RequestError(ErrorCode::unsupported, "image has no DICOM header", "It is a PNG or JPEG file.");
  }
  return dicom::HeaderJson(dicom::ReadStructure(file));
}

}  // namespace medvec::decode
