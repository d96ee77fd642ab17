#include "jpeg.hpp"

#include <cstdio>
// jpeglib.h needs stdio.h before it, jerror.h needs jpeglib.h
#include <jpeglib.h>
// and clang-format sorts no further than an empty line or a comment
#include <jerror.h>

#include <csetjmp>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "exif.hpp"

// libjpeg reports errors by longjmp. Every function below that calls setjmp has trivially destructible locals only, and
// what must be freed belongs to a Reader in its caller's frame.

namespace medvec::decode {
namespace {

constexpr int kMaxScans = 500;  // a progressive file of a few KB can ask for thousands of passes over the picture

struct Reader {
  explicit Reader(Bytes file);
  ~Reader() { jpeg_destroy_decompress(&jpeg); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  jpeg_decompress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  jpeg_source_mgr source = {};
  jpeg_progress_mgr progress = {};
  jmp_buf jump = {};
  int error = 0;         // message code
  bool damaged = false;  // a warning that means wrong pixels
  bool ended = false;    // the file ended before its end marker
  bool too_many_scans = false;
  char text[JMSG_LENGTH_MAX] = "";
};

Reader* Self(j_common_ptr jpeg) { return static_cast<Reader*>(jpeg->client_data); }

void OnError(j_common_ptr jpeg) {
  Reader* reader = Self(jpeg);
  reader->error = jpeg->err->msg_code;
  jpeg->err->format_message(jpeg, reader->text);
  std::longjmp(reader->jump, 1);
}

void OnMessage(j_common_ptr jpeg, int level) {
  if (level >= 0) {
    return;
  }
  switch (jpeg->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
      if (!Self(jpeg)->damaged) {
        jpeg->err->format_message(jpeg, Self(jpeg)->text);
      }
      Self(jpeg)->damaged = true;
      break;
    default:  // extraneous bytes between markers and the like: the pixels are what they were
      break;
  }
}

void OnProgress(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number > kMaxScans) {
    Self(jpeg)->too_many_scans = true;
    std::longjmp(Self(jpeg)->jump, 1);
  }
}

boolean OnNeedInput(j_decompress_ptr jpeg) {
  static const JOCTET kEnd[2] = {0xff, JPEG_EOI};
  Self(reinterpret_cast<j_common_ptr>(jpeg))->ended = true;
  jpeg->src->next_input_byte = kEnd;
  jpeg->src->bytes_in_buffer = sizeof kEnd;
  return TRUE;
}

void OnSkip(j_decompress_ptr jpeg, long count) {
  jpeg_source_mgr* source = jpeg->src;
  if (count <= 0) {
    return;
  }
  if (static_cast<size_t>(count) > source->bytes_in_buffer) {
    OnNeedInput(jpeg);
    return;
  }
  source->next_input_byte += count;
  source->bytes_in_buffer -= count;
}

void Ignore(j_decompress_ptr) {}

bool Create(Reader& reader) {
  if (setjmp(reader.jump) != 0) {
    return false;
  }
  jpeg_create_decompress(&reader.jpeg);
  jpeg_save_markers(&reader.jpeg, JPEG_APP0 + 1, 0xffff);
  return true;
}

Reader::Reader(Bytes file) {
  jpeg.err = jpeg_std_error(&errors);
  errors.error_exit = OnError;
  errors.emit_message = OnMessage;
  jpeg.client_data = this;
  if (!Create(*this)) {
    throw std::bad_alloc();
  }
  source.init_source = Ignore;
  source.term_source = Ignore;
  source.fill_input_buffer = OnNeedInput;
  source.skip_input_data = OnSkip;
  source.resync_to_restart = jpeg_resync_to_restart;
  source.next_input_byte = file.data();
  source.bytes_in_buffer = file.size();
  jpeg.src = &source;
  progress.progress_monitor = OnProgress;
  jpeg.progress = &progress;
}

[[noreturn]] void Throw(const Reader& reader) {
  const std::string detail = std::string("libjpeg says: ") + reader.text + ".";
  if (reader.too_many_scans) {
    throw RequestError(ErrorCode::too_large, "JPEG image has more than " + std::to_string(kMaxScans) + " scans");
  }
  switch (reader.error) {
    case JERR_OUT_OF_MEMORY:
      throw std::bad_alloc();
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_ARITH_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_NOTIMPL:
      throw RequestError(ErrorCode::unsupported, "this kind of JPEG is not supported", detail,
                         "8-bit sequential and progressive JPEG are.");
    default:
      throw RequestError(ErrorCode::corrupt_image, "JPEG image is corrupt", detail);
  }
}

bool ReadHeader(Reader& reader) {
  if (setjmp(reader.jump) != 0) {
    return false;
  }
  jpeg_read_header(&reader.jpeg, TRUE);
  jpeg_calc_output_dimensions(&reader.jpeg);
  return true;
}

bool ReadRows(Reader& reader, JSAMPARRAY rows) {
  if (setjmp(reader.jump) != 0) {
    return false;
  }
  jpeg_decompress_struct& jpeg = reader.jpeg;
  jpeg_start_decompress(&jpeg);
  while (jpeg.output_scanline < jpeg.output_height) {
    jpeg_read_scanlines(&jpeg, rows + jpeg.output_scanline, jpeg.output_height - jpeg.output_scanline);
  }
  return true;
}

int OrientationOf(const Reader& reader) {
  for (jpeg_saved_marker_ptr marker = reader.jpeg.marker_list; marker != nullptr; marker = marker->next) {
    const Bytes block(marker->data, marker->data_length);
    if (block.size() >= 6 && std::memcmp(block.data(), "Exif\0", 6) == 0) {
      return ExifOrientation(block);
    }
  }
  return 1;
}

// Naive conversion, the only one there is without a profile: white times what each ink lets through.
Image FromCmyk(int width, int height, const std::vector<uint8_t>& cmyk, bool inverted) {
  Image image(width, height, 3, Sample::u8);
  const size_t count = static_cast<size_t>(image.width()) * image.height();
  const uint8_t* in = cmyk.data();
  uint8_t* out = image.data();
  for (size_t i = 0; i < count; ++i, in += 4) {
    const unsigned black = inverted ? in[3] : 255 - in[3];
    for (int c = 0; c < 3; ++c) {
      const unsigned ink = inverted ? in[c] : 255 - in[c];
      *out++ = static_cast<uint8_t>((ink * black + 127) / 255);
    }
  }
  return image;
}

}  // namespace

JpegInfo ReadJpegInfo(Bytes file) {
  Reader reader(file);
  if (!ReadHeader(reader)) {
    Throw(reader);
  }
  const bool swapped = OrientationOf(reader) >= 5;
  const int width = static_cast<int>(reader.jpeg.image_width);
  const int height = static_cast<int>(reader.jpeg.image_height);
  return {swapped ? height : width, swapped ? width : height, reader.jpeg.num_components, reader.jpeg.data_precision};
}

Image DecodeJpeg(Bytes file, uint64_t max_pixels) {
  Reader reader(file);
  if (!ReadHeader(reader)) {
    Throw(reader);
  }
  jpeg_decompress_struct& jpeg = reader.jpeg;
  CheckSize(jpeg.image_width, jpeg.image_height, max_pixels);
  const bool cmyk = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
  const bool grey = jpeg.jpeg_color_space == JCS_GRAYSCALE;
  const bool inverted = jpeg.saw_Adobe_marker;
  if (!cmyk && !grey && jpeg.jpeg_color_space != JCS_YCbCr && jpeg.jpeg_color_space != JCS_RGB) {
    throw RequestError(ErrorCode::unsupported,
                       "JPEG with " + std::to_string(jpeg.num_components) + " components is not supported");
  }
  jpeg.out_color_space = cmyk ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;

  const int width = static_cast<int>(jpeg.image_width);
  const int height = static_cast<int>(jpeg.image_height);
  Image image(cmyk ? 1 : width, cmyk ? 1 : height, grey ? 1 : 3, Sample::u8);
  std::vector<uint8_t> inks(cmyk ? size_t{4} * width * height : 0);
  std::vector<JSAMPROW> rows(height);
  for (int y = 0; y < height; ++y) {
    rows[y] = cmyk ? inks.data() + size_t{4} * width * y : image.row<uint8_t>(y);
  }
  const bool several_scans = jpeg_has_multiple_scans(&jpeg);
  if (!ReadRows(reader, rows.data())) {
    Throw(reader);
  }
  if (reader.damaged || (reader.ended && several_scans)) {
    throw RequestError(
        ErrorCode::corrupt_image, "JPEG image is damaged or incomplete",
        reader.damaged ? std::string("libjpeg says: ") + reader.text + "." : "Its last scans are missing.");
  }
  if (cmyk) {
    image = FromCmyk(width, height, inks, inverted);
  }
  return Upright(std::move(image), OrientationOf(reader));
}

}  // namespace medvec::decode
