#include "dataset.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

namespace medvec::decode::dicom {

Dataset::Dataset(const Structure& structure) : dataset_(std::make_unique<DcmDataset>()) {
  const E_TransferSyntax syntax = !structure.syntax.explicit_vr ? EXS_LittleEndianImplicit
                                  : structure.syntax.big_endian ? EXS_BigEndianExplicit
                                                                : EXS_LittleEndianExplicit;
  if (structure.dataset.empty()) {
    return;
  }
  DcmInputBufferStream stream;
  stream.setBuffer(structure.dataset.data(), static_cast<offile_off_t>(structure.dataset.size()));
  stream.setEos();
  dataset_->transferInit();
  const OFCondition status = dataset_->read(stream, syntax, EGL_noChange, DCM_MaxReadLength);
  dataset_->transferEnd();
  if (status == EC_MemoryExhausted) {
    throw std::bad_alloc();
  }
  if (status.bad()) {
    throw RequestError(ErrorCode::corrupt_image, "DICOM file is corrupt",
                       std::string("DCMTK says: ") + status.text() + ".");
  }
}

std::optional<double> NumberOf(DcmItem& item, const DcmTagKey& tag, unsigned long index) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || element == nullptr) {
    return {};
  }
  switch (element->ident()) {
    case EVR_DS:
    case EVR_IS: {
      OFString text;
      if (element->getOFString(text, index).bad()) {
        return {};
      }
      char* end = nullptr;
      const double value = std::strtod(text.c_str(), &end);
      if (end == text.c_str() || !std::isfinite(value)) {
        return {};
      }
      return value;
    }
    case EVR_US:
    case EVR_xs: {
      Uint16 value;
      return element->getUint16(value, index).good() ? std::optional<double>(value) : std::nullopt;
    }
    case EVR_SS: {
      Sint16 value;
      return element->getSint16(value, index).good() ? std::optional<double>(value) : std::nullopt;
    }
    case EVR_UL: {
      Uint32 value;
      return element->getUint32(value, index).good() ? std::optional<double>(value) : std::nullopt;
    }
    case EVR_SL: {
      Sint32 value;
      return element->getSint32(value, index).good() ? std::optional<double>(value) : std::nullopt;
    }
    case EVR_FL: {
      Float32 value;
      return element->getFloat32(value, index).good() && std::isfinite(value) ? std::optional<double>(value)
                                                                              : std::nullopt;
    }
    case EVR_FD: {
      Float64 value;
      return element->getFloat64(value, index).good() && std::isfinite(value) ? std::optional<double>(value)
                                                                              : std::nullopt;
    }
    default:
      return {};
  }
}

std::string StringOf(DcmItem& item, const DcmTagKey& tag) {
  OFString text;
  if (item.findAndGetOFString(tag, text).bad()) {
    return {};
  }
  std::string trimmed(text.c_str());  // stops at a zero
  const size_t first = trimmed.find_first_not_of(' ');
  const size_t last = trimmed.find_last_not_of(' ');
  return first == std::string::npos ? std::string() : trimmed.substr(first, last - first + 1);
}

std::vector<uint16_t> WordsOf(DcmItem& item, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || element == nullptr) {
    return {};
  }
  std::vector<uint16_t> words(element->getLength() / 2);
  const void* source = nullptr;
  Uint16* shorts = nullptr;
  Sint16* signed_shorts = nullptr;
  Uint8* bytes = nullptr;
  switch (element->ident()) {
    case EVR_SS:
      if (element->getSint16Array(signed_shorts).good()) {
        source = signed_shorts;
      }
      break;
    case EVR_OB:
    case EVR_UN:
      if (element->getUint8Array(bytes).good()) {
        source = bytes;
      }
      break;
    default:
      if (element->getUint16Array(shorts).good()) {
        source = shorts;
      }
  }
  if (source == nullptr) {
    return {};
  }
  std::memcpy(words.data(), source, words.size() * sizeof(uint16_t));
  return words;
}

std::optional<double> Dataset::Number(const DcmTagKey& tag, unsigned long index) {
  return NumberOf(*dataset_, tag, index);
}

std::optional<long> Dataset::Integer(const DcmTagKey& tag) {
  const std::optional<double> value = NumberOf(*dataset_, tag);
  if (!value || std::fabs(*value) > 2147483647.0 || *value != std::floor(*value)) {
    return {};
  }
  return static_cast<long>(*value);
}

std::string Dataset::String(const DcmTagKey& tag) { return StringOf(*dataset_, tag); }

DcmItem* Dataset::ItemWith(const DcmTagKey& tag, const DcmTagKey& macro, long frame) {
  auto in_group = [&](const DcmTagKey& groups, long index) -> DcmItem* {
    DcmItem* group = nullptr;
    DcmItem* item = nullptr;
    if (dataset_->tagExists(groups) && dataset_->findAndGetSequenceItem(groups, group, index).good() &&
        group->findAndGetSequenceItem(macro, item, 0).good() && item->tagExistsWithValue(tag)) {
      return item;
    }
    return nullptr;
  };
  if (DcmItem* item = in_group(DCM_PerFrameFunctionalGroupsSequence, frame)) {
    return item;
  }
  if (DcmItem* item = in_group(DCM_SharedFunctionalGroupsSequence, 0)) {
    return item;
  }
  return dataset_->tagExistsWithValue(tag) ? dataset_.get() : nullptr;
}

}  // namespace medvec::decode::dicom
