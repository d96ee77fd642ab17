// Small DICOM files for tests, explicit VR little endian.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "image.hpp"

namespace medvec::decode {

inline Bytes AsBytes(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

class DicomFile {
 public:
  DicomFile& Element(uint32_t tag, const char* vr, std::string value) {
    if (value.size() % 2 != 0) {
      value += std::strcmp(vr, "UI") == 0 ? '\0' : ' ';
    }
    Put<uint16_t>(tag >> 16);
    Put<uint16_t>(tag & 0xffff);
    body_ += vr;
    const std::string name = vr;
    if (name == "OB" || name == "OW" || name == "SQ" || name == "UN" || name == "UT" || name == "OF") {
      Put<uint16_t>(0);
      Put<uint32_t>(static_cast<uint32_t>(value.size()));
    } else {
      Put<uint16_t>(static_cast<uint16_t>(value.size()));
    }
    body_ += value;
    return *this;
  }
  DicomFile& Short(uint32_t tag, int value, const char* vr = "US") {
    return Element(tag, vr, Raw(std::vector<uint16_t>{static_cast<uint16_t>(value)}));
  }
  DicomFile& Sequence(uint32_t tag, const DicomFile& item) {
    DicomFile content;
    content.Put<uint16_t>(0xfffe);
    content.Put<uint16_t>(0xe000);
    content.Put<uint32_t>(static_cast<uint32_t>(item.body_.size()));
    return Element(tag, "SQ", content.body_ + item.body_);
  }
  // The attributes of the Image Pixel Module, to be followed by those of groups behind 0028 and the pixels.
  DicomFile& Grey(int width, int height, int allocated, int stored, bool is_signed = false,
                  const char* photometric = "MONOCHROME2") {
    return Short(0x00280002, 1)
        .Element(0x00280004, "CS", photometric)
        .Short(0x00280010, height)
        .Short(0x00280011, width)
        .Short(0x00280100, allocated)
        .Short(0x00280101, stored)
        .Short(0x00280102, stored - 1)
        .Short(0x00280103, is_signed ? 1 : 0);
  }
  template <typename T>
  DicomFile& Pixels(const std::vector<T>& values) {
    return Element(0x7fe00010, sizeof(T) == 1 ? "OB" : "OW", Raw(values));
  }
  template <typename T>
  static std::string Raw(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
  }

  const std::string& body() const { return body_; }
  std::string WithPreamble(const char* transfer_syntax = "1.2.840.10008.1.2.1") const {
    DicomFile meta;
    meta.Element(0x00020010, "UI", transfer_syntax);
    return std::string(128, '\0') + "DICM" + meta.body_ + body_;
  }

 private:
  template <typename T>
  void Put(T value) {
    body_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  std::string body_;
};

}  // namespace medvec::decode
