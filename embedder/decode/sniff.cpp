#include "sniff.hpp"

#include <cstring>

namespace medvec::decode {
namespace {

constexpr uint8_t kPng[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr uint8_t kJpeg[3] = {0xff, 0xd8, 0xff};
constexpr size_t kPreamble = 128;

template <size_t N>
bool StartsWith(Bytes file, const uint8_t (&magic)[N]) {
  return file.size() >= N && std::memcmp(file.data(), magic, N) == 0;
}

bool Capital(uint8_t c) { return c >= 'A' && c <= 'Z'; }

// An element of the low end of group 0002 or 0008, with a VR, or with a length that a group length, UID, date or code
// can have. Both byte orders: little endian first byte 02 or 08, big endian first byte 00.
bool LooksLikeDataSet(Bytes file) {
  if (file.size() < 16) {
    return false;
  }
  const bool big = file[0] == 0;
  const uint8_t group = big ? file[1] : file[0];
  const uint8_t group_high = big ? file[0] : file[1];
  const uint8_t element = big ? file[3] : file[2];
  const uint8_t element_high = big ? file[2] : file[3];
  if ((group != 0x02 && group != 0x08) || group_high != 0 || element_high != 0 || element > 0x80) {
    return false;
  }
  if (Capital(file[4]) && Capital(file[5])) {
    return true;
  }
  const uint32_t length = file[4] | file[5] << 8 | file[6] << 16 | static_cast<uint32_t>(file[7]) << 24;
  return !big && length <= 256 && length + 16 <= file.size();
}

}  // namespace

Format Sniff(Bytes file) {
  if (StartsWith(file, kPng)) {
    return Format::png;
  }
  if (StartsWith(file, kJpeg)) {
    return Format::jpeg;
  }
  if ((file.size() >= kPreamble + 4 && std::memcmp(file.data() + kPreamble, "DICM", 4) == 0) ||
      (file.size() >= 4 && std::memcmp(file.data(), "DICM", 4) == 0) || LooksLikeDataSet(file)) {
    return Format::dicom;
  }
  throw RequestError(ErrorCode::not_an_image, file.empty() ? "image is empty" : "not an image",
                     "Its first bytes are neither DICOM's, PNG's nor JPEG's.");
}

}  // namespace medvec::decode
