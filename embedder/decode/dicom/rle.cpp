// RLE Lossless (PS3.5 annex G). Our own and not DCMTK's, whose decoder reads past the end of broken streams (3.6.7).
#include <algorithm>
#include <cstring>

#include "codecs.hpp"

namespace medvec::decode::dicom {
namespace {

constexpr size_t kHeader = 64;
constexpr uint32_t kMaxSegments = 15;

[[noreturn]] void Corrupt(const char* detail) {
  throw RequestError(ErrorCode::corrupt_image, "DICOM pixel data are corrupt", detail);
}

uint32_t U32(Bytes bytes, size_t at) {
  return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | static_cast<uint32_t>(bytes[at + 3]) << 24;
}

// One PackBits segment to every `stride`-th byte of `out`, `count` of them.
void Unpack(Bytes segment, uint8_t* out, size_t stride, size_t count) {
  size_t at = 0;
  size_t done = 0;
  while (done < count) {
    if (at >= segment.size()) {
      Corrupt("An RLE segment is too short.");
    }
    const unsigned control = segment[at++];
    if (control == 128) {
      continue;
    }
    const bool literal = control < 128;
    size_t run = literal ? control + 1 : 257 - control;
    const size_t taken = literal ? run : 1;
    if (taken > segment.size() - at) {
      Corrupt("An RLE segment is too short.");
    }
    run = std::min(run, count - done);
    for (size_t i = 0; i < run; ++i) {
      out[(done + i) * stride] = segment[at + (literal ? i : 0)];
    }
    done += run;
    at += taken;
  }
}

}  // namespace

StoredFrame DecodeRle(const PixelFormat& format, Bytes stream) {
  StoredFrame out;
  out.bits_allocated = format.bits_allocated;
  out.bits_stored = format.bits_stored;
  out.colour = ColourOf(format);
  const size_t sample_bytes = format.bits_allocated / 8;
  const size_t pixel_bytes = sample_bytes * format.samples;
  if (format.bits_allocated < 8) {
    throw RequestError(ErrorCode::unsupported, "RLE compressed DICOM image of 1 bit is not supported");
  }
  if (stream.size() < kHeader || U32(stream, 0) != pixel_bytes || pixel_bytes > kMaxSegments) {
    Corrupt("The RLE header does not suit the image.");
  }
  const size_t count = static_cast<size_t>(format.width) * format.height;
  out.bytes.resize(count * pixel_bytes);
  for (size_t s = 0; s < pixel_bytes; ++s) {
    const size_t begin = U32(stream, 4 + 4 * s);
    const size_t end = s + 1 < pixel_bytes ? U32(stream, 8 + 4 * s) : stream.size();
    if (begin < kHeader || begin > end || end > stream.size()) {
      Corrupt("An RLE segment lies outside the stream.");
    }
    // Segments go from a sample's most significant byte to its least.
    const size_t sample = s / sample_bytes;
    const size_t byte = sample_bytes - 1 - s % sample_bytes;
    Unpack(stream.subspan(begin, end - begin), out.bytes.data() + sample * sample_bytes + byte, pixel_bytes, count);
  }
  return out;
}

}  // namespace medvec::decode::dicom
