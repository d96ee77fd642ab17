#include "png.hpp"

#include <png.h>

#include <csetjmp>
#include <cstring>
#include <new>
#include <string>

// libpng reports errors by longjmp. Every function below that calls setjmp has trivially destructible locals only, and
// what must be freed belongs to a Reader or Writer in its caller's frame.

namespace medvec::decode {
namespace {

constexpr png_alloc_size_t kMaxChunkMemory = 16 << 20;
constexpr int kMaxCachedChunks = 64;

struct Failure {
  char text[128] = "";
  bool memory = false;
};

void OnError(png_structp png, png_const_charp text) {
  auto* failure = static_cast<Failure*>(png_get_error_ptr(png));
  std::strncpy(failure->text, text, sizeof failure->text - 1);
  failure->memory = std::strstr(text, "emory") != nullptr;
  png_longjmp(png, 1);
}

void OnWarning(png_structp, png_const_charp) {}

[[noreturn]] void Throw(const Failure& failure) {
  if (failure.memory) {
    throw std::bad_alloc();
  }
  throw RequestError(ErrorCode::corrupt_image, "PNG image is corrupt",
                     std::string("libpng says: ") + failure.text + ".");
}

struct Reader {
  explicit Reader(Bytes file) : rest(file) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure, OnError, OnWarning);
    if (png != nullptr) {
      info = png_create_info_struct(png);
    }
    if (info == nullptr) {
      png_destroy_read_struct(&png, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Bytes rest;
  Failure failure;
  png_structp png = nullptr;
  png_infop info = nullptr;
};

void OnRead(png_structp png, png_bytep out, size_t length) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (length > reader->rest.size()) {
    png_error(png, "the file ends too early");
  }
  std::memcpy(out, reader->rest.data(), length);
  reader->rest = reader->rest.subspan(length);
}

bool ReadHeader(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) {
    return false;
  }
  png_set_read_fn(reader.png, &reader, OnRead);
  png_set_user_limits(reader.png, 1 << 20, 1 << 20);
  png_set_chunk_malloc_max(reader.png, kMaxChunkMemory);
  png_set_chunk_cache_max(reader.png, kMaxCachedChunks);
  // Compressed text and profiles are skipped unread: nothing is made of them, and they are where bombs hide.
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(reader.png, reader.info);
  return true;
}

// After this, rows are 1 to 4 channels of 8 or 16 bits in the machine's byte order.
bool PrepareRows(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) {
    return false;
  }
  png_set_expand(reader.png);
  if (png_get_bit_depth(reader.png, reader.info) == 16) {
    png_set_swap(reader.png);
  }
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

bool ReadRows(Reader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) {
    return false;
  }
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

// Drops the alpha channel of `in` after laying the colour over black.
template <typename T>
void Composite(const std::vector<uint8_t>& in, int in_channels, Image& out) {
  constexpr uint64_t kFull = static_cast<T>(-1);
  const T* source = reinterpret_cast<const T*>(in.data());
  T* target = out.row<T>(0);
  const size_t count = static_cast<size_t>(out.width()) * out.height();
  for (size_t i = 0; i < count; ++i, source += in_channels) {
    const uint64_t alpha = source[in_channels - 1];
    for (int c = 0; c < out.channels(); ++c) {
      *target++ = static_cast<T>((source[c] * alpha + kFull / 2) / kFull);
    }
  }
}

struct Writer {
  Writer() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure, OnError, OnWarning);
    if (png != nullptr) {
      info = png_create_info_struct(png);
    }
    if (info == nullptr) {
      png_destroy_write_struct(&png, nullptr);
      throw std::bad_alloc();
    }
  }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  std::vector<uint8_t> out;
  Failure failure;
  png_structp png = nullptr;
  png_infop info = nullptr;
};

void OnWrite(png_structp png, png_bytep bytes, size_t length) {
  auto* writer = static_cast<Writer*>(png_get_io_ptr(png));
  bool stored = true;
  try {
    writer->out.insert(writer->out.end(), bytes, bytes + length);
  } catch (const std::bad_alloc&) {
    stored = false;
  }
  if (!stored) {
    png_error(png, "out of memory");
  }
}

bool WriteAll(Writer& writer, int width, int height, int channels, png_bytepp rows) {
  if (setjmp(png_jmpbuf(writer.png)) != 0) {
    return false;
  }
  png_set_write_fn(writer.png, &writer, OnWrite, nullptr);
  png_set_IHDR(writer.png, writer.info, width, height, 8, channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(writer.png, writer.info);
  png_write_image(writer.png, rows);
  png_write_end(writer.png, writer.info);
  return true;
}

}  // namespace

PngInfo ReadPngInfo(Bytes file) {
  Reader reader(file);
  if (!ReadHeader(reader)) {
    Throw(reader.failure);
  }
  const bool palette = png_get_color_type(reader.png, reader.info) == PNG_COLOR_TYPE_PALETTE;
  return {static_cast<int>(png_get_image_width(reader.png, reader.info)),
          static_cast<int>(png_get_image_height(reader.png, reader.info)),
          palette ? 3 : png_get_channels(reader.png, reader.info), png_get_bit_depth(reader.png, reader.info)};
}

Image DecodePng(Bytes file, uint64_t max_pixels) {
  Reader reader(file);
  if (!ReadHeader(reader)) {
    Throw(reader.failure);
  }
  const uint32_t width = png_get_image_width(reader.png, reader.info);
  const uint32_t height = png_get_image_height(reader.png, reader.info);
  CheckSize(width, height, max_pixels);
  if (!PrepareRows(reader)) {
    Throw(reader.failure);
  }
  const int in_channels = png_get_channels(reader.png, reader.info);
  const bool wide = png_get_bit_depth(reader.png, reader.info) == 16;
  const bool alpha = in_channels == 2 || in_channels == 4;
  Image image(static_cast<int>(width), static_cast<int>(height), in_channels <= 2 ? 1 : 3,
              wide ? Sample::u16 : Sample::u8);

  std::vector<uint8_t> with_alpha;
  const size_t row_bytes = png_get_rowbytes(reader.png, reader.info);
  if (alpha) {
    with_alpha.resize(row_bytes * height);
  } else if (row_bytes != image.row_bytes()) {
    throw RequestError(ErrorCode::internal, "unexpected row size of a PNG image");
  }
  std::vector<png_bytep> rows(height);
  for (uint32_t y = 0; y < height; ++y) {
    rows[y] = (alpha ? with_alpha.data() : image.data()) + row_bytes * y;
  }
  if (!ReadRows(reader, rows.data())) {
    Throw(reader.failure);
  }
  if (alpha && wide) {
    Composite<uint16_t>(with_alpha, in_channels, image);
  } else if (alpha) {
    Composite<uint8_t>(with_alpha, in_channels, image);
  }
  return image;
}

std::vector<uint8_t> EncodePng(int width, int height, int channels, const std::vector<uint8_t>& pixels) {
  Writer writer;
  std::vector<png_bytep> rows(height);
  for (int y = 0; y < height; ++y) {
    rows[y] = const_cast<png_bytep>(pixels.data()) + static_cast<size_t>(y) * width * channels;
  }
  if (!WriteAll(writer, width, height, channels, rows.data())) {
    if (writer.failure.memory) {
      throw std::bad_alloc();
    }
    throw RequestError(ErrorCode::internal, "could not write a PNG image");
  }
  return std::move(writer.out);
}

}  // namespace medvec::decode
