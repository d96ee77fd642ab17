#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "codecs.hpp"

namespace medvec::decode::dicom {
namespace {

struct Source {
  Bytes bytes;
  size_t position = 0;
};

OPJ_SIZE_T Read(void* buffer, OPJ_SIZE_T count, void* user) {
  auto* source = static_cast<Source*>(user);
  const size_t left = source->bytes.size() - source->position;
  if (left == 0) {
    return static_cast<OPJ_SIZE_T>(-1);
  }
  const size_t taken = std::min<size_t>(count, left);
  std::memcpy(buffer, source->bytes.data() + source->position, taken);
  source->position += taken;
  return taken;
}

OPJ_OFF_T Skip(OPJ_OFF_T count, void* user) {
  auto* source = static_cast<Source*>(user);
  const size_t left = source->bytes.size() - source->position;
  if (count < 0 || static_cast<uint64_t>(count) > left) {
    source->position = source->bytes.size();
    return -1;
  }
  source->position += static_cast<size_t>(count);
  return count;
}

OPJ_BOOL Seek(OPJ_OFF_T position, void* user) {
  auto* source = static_cast<Source*>(user);
  if (position < 0 || static_cast<uint64_t>(position) > source->bytes.size()) {
    return OPJ_FALSE;
  }
  source->position = static_cast<size_t>(position);
  return OPJ_TRUE;
}

// The last error, of which OpenJPEG gives the text only.
struct Log {
  std::string text;
  bool memory = false;
};

void OnError(const char* text, void* user) {
  auto* log = static_cast<Log*>(user);
  if (std::strstr(text, "emory") != nullptr) {
    log->memory = true;
  }
  try {
    log->text = text;
  } catch (const std::bad_alloc&) {  // must not fly through C
    log->memory = true;
  }
}

void Ignore(const char*, void*) {}

[[noreturn]] void Fail(const Log& log) {
  if (log.memory) {
    throw std::bad_alloc();
  }
  std::string text = log.text.substr(0, log.text.find('\n'));
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) {
    text.pop_back();
  }
  throw RequestError(ErrorCode::corrupt_image, "JPEG 2000 pixel data are corrupt",
                     text.empty() ? std::string() : "OpenJPEG says: " + text + ".");
}

// The headers of the codestream (ISO 15444-1 annex A), main and of each tile part. High-throughput block coding (ISO
// 15444-15) is refused wherever it is switched on: medvec does not support it, and OpenJPEG 2.5.0 aborts on broken
// streams of it.
class HeaderWalk {
 public:
  explicit HeaderWalk(Bytes stream) : stream_(stream) {
    constexpr uint8_t kStart[4] = {0xff, 0x4f, 0xff, 0x51};  // SOC, SIZ
    const auto found = std::search(stream.begin(), stream.end(), std::begin(kStart), std::end(kStart));
    at_ = static_cast<size_t>(found - stream.begin()) + 2;
  }

  void Run() {
    size_t tile_end = 0;  // of the tile part whose header is being read
    while (at_ + 2 <= stream_.size()) {
      const unsigned marker = U16(at_);
      if (marker == 0xffd9) {  // EOC
        return;
      }
      if (marker == 0xff93) {  // SOD: the data of the tile part
        if (tile_end == 0) {
          return;  // of no stated length: the last
        }
        if (tile_end < at_ + 2) {
          Broken();
        }
        at_ = tile_end;
        continue;
      }
      if (marker < 0xff00 || at_ + 4 > stream_.size()) {
        Broken();
      }
      const size_t length = U16(at_ + 2);
      if (length < 2 || length > stream_.size() - at_ - 2) {
        Broken();
      }
      const Bytes body = stream_.subspan(at_ + 4, length - 2);
      if (marker == 0xff90) {  // SOT
        const uint64_t part = body.size() >= 6 ? uint64_t{U16(at_ + 6)} << 16 | U16(at_ + 8) : 0;
        if (part > stream_.size() - at_) {
          Broken();
        }
        tile_end = part == 0 ? 0 : at_ + part;
      }
      CheckCoding(marker, body);
      at_ += 2 + length;
    }
  }

 private:
  unsigned U16(size_t at) const { return stream_[at] << 8 | stream_[at + 1]; }

  void CheckCoding(unsigned marker, Bytes body) {
    constexpr unsigned kCod = 0xff52, kCoc = 0xff53, kSiz = 0xff51;
    if (marker == kSiz && body.size() >= 36) {
      wide_components_ = (body[34] << 8 | body[35]) > 256;
    }
    const size_t style = marker == kCod ? 8 : wide_components_ ? 6 : 5;
    if ((marker == kCod || marker == kCoc) && body.size() > style && (body[style] & 0x40) != 0) {
      throw RequestError(ErrorCode::unsupported, "high-throughput JPEG 2000 is not supported");
    }
  }

  [[noreturn]] static void Broken() {
    throw RequestError(ErrorCode::corrupt_image, "JPEG 2000 pixel data are corrupt", "A marker segment is broken.");
  }

  Bytes stream_;
  size_t at_ = 0;
  bool wide_components_ = false;
};

template <auto Destroy>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Destroy(pointer);
  }
};

void DestroyInfo(opj_codestream_info_v2_t* info) { opj_destroy_cstr_info(&info); }

}  // namespace

StoredFrame DecodeJpeg2000(const PixelFormat& format, Bytes stream_bytes) {
  constexpr uint8_t kJp2[8] = {0, 0, 0, 12, 'j', 'P', ' ', ' '};
  const bool boxed = stream_bytes.size() >= 8 && std::memcmp(stream_bytes.data(), kJp2, 8) == 0;
  HeaderWalk(stream_bytes).Run();
  Source source = {stream_bytes};
  Log log;
  std::unique_ptr<opj_codec_t, Deleter<opj_destroy_codec>> codec(
      opj_create_decompress(boxed ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K));
  std::unique_ptr<opj_stream_t, Deleter<opj_stream_destroy>> stream(opj_stream_create(1 << 16, OPJ_TRUE));
  if (!codec || !stream) {
    throw std::bad_alloc();
  }
  opj_set_error_handler(codec.get(), OnError, &log);
  opj_set_warning_handler(codec.get(), Ignore, nullptr);
  opj_set_info_handler(codec.get(), Ignore, nullptr);
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), stream_bytes.size());
  opj_stream_set_read_function(stream.get(), Read);
  opj_stream_set_skip_function(stream.get(), Skip);
  opj_stream_set_seek_function(stream.get(), Seek);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  parameters.flags |= OPJ_DPARAMETERS_IGNORE_PCLR_CMAP_CDEF_FLAG;  // DICOM's own colour attributes count
  opj_image_t* raw_image = nullptr;
  if (!opj_setup_decoder(codec.get(), &parameters) || !opj_decoder_set_strict_mode(codec.get(), OPJ_TRUE) ||
      !opj_read_header(stream.get(), codec.get(), &raw_image)) {
    Fail(log);
  }
  std::unique_ptr<opj_image_t, Deleter<opj_image_destroy>> image(raw_image);

  // All of it is in the header, before the decoder asks for memory.
  const uint32_t width = image->x1 - image->x0;
  const uint32_t height = image->y1 - image->y0;
  if (width != static_cast<uint32_t>(format.width) || height != static_cast<uint32_t>(format.height) ||
      image->numcomps != static_cast<uint32_t>(format.samples)) {
    throw RequestError(ErrorCode::corrupt_image, "JPEG 2000 pixel data are corrupt",
                       "The compressed stream is " + std::to_string(width) + " x " + std::to_string(height) + " x " +
                           std::to_string(image->numcomps) + ", the data set says " + std::to_string(format.width) +
                           " x " + std::to_string(format.height) + " x " + std::to_string(format.samples) + ".");
  }
  for (uint32_t c = 0; c < image->numcomps; ++c) {
    const opj_image_comp_t& component = image->comps[c];
    if (component.prec < 1 || component.prec > 16 || component.prec != image->comps[0].prec) {
      throw RequestError(ErrorCode::unsupported,
                         "JPEG 2000 with " + std::to_string(component.prec) + " bits is not supported",
                         "1 to 16 bits are, the same of all components.");
    }
    if (component.dx < 1 || component.dy < 1 || component.dx > 2 || component.dy > 2 || image->comps[0].dx != 1 ||
        image->comps[0].dy != 1) {
      throw RequestError(ErrorCode::unsupported, "subsampling of JPEG 2000 pixel data is not supported");
    }
  }
  std::unique_ptr<opj_codestream_info_v2_t, Deleter<DestroyInfo>> info(opj_get_cstr_info(codec.get()));
  const bool transformed = info && info->m_default_tile_info.mct != 0;
  info.reset();
  if (!opj_decode(codec.get(), stream.get(), image.get())) {
    Fail(log);
  }

  StoredFrame out;
  const int precision = static_cast<int>(image->comps[0].prec);
  out.bits_stored = precision;
  out.bits_allocated = precision > 8 ? 16 : 8;
  out.colour = ColourOf(format);
  if (transformed && format.samples == 3) {
    out.colour = ColourModel::rgb;
  }
  const size_t sample_bytes = out.bits_allocated / 8;
  const int samples = format.samples;
  out.bytes.resize(static_cast<size_t>(width) * height * samples * sample_bytes);
  const uint32_t mask = (1u << precision) - 1;
  for (int c = 0; c < samples; ++c) {
    const opj_image_comp_t& component = image->comps[c];
    if (component.data == nullptr || component.w < (width + component.dx - 1) / component.dx ||
        component.h < (height + component.dy - 1) / component.dy) {
      Fail(log);
    }
    for (uint32_t y = 0; y < height; ++y) {
      const OPJ_INT32* in = component.data + static_cast<size_t>(y / component.dy) * component.w;
      size_t at = (static_cast<size_t>(y) * width * samples + c) * sample_bytes;
      for (uint32_t x = 0; x < width; ++x, at += samples * sample_bytes) {
        // The bit pattern counts; whether it has a sign is for Pixel Representation to say, which the stream may
        // contradict.
        const uint32_t value = static_cast<uint32_t>(in[x / component.dx]) & mask;
        out.bytes[at] = static_cast<uint8_t>(value);
        if (sample_bytes == 2) {
          out.bytes[at + 1] = static_cast<uint8_t>(value >> 8);
        }
      }
    }
  }
  return out;
}

}  // namespace medvec::decode::dicom
