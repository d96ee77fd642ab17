#include "frames.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcelem.h>

#include <cstring>

namespace medvec::decode::dicom {
namespace {

constexpr uint32_t kItem = 0xfffee000;

[[noreturn]] void Corrupt(const std::string& detail) {
  throw RequestError(ErrorCode::corrupt_image, "DICOM pixel data are corrupt", detail);
}

uint32_t U32(Bytes bytes, size_t at) {
  return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | static_cast<uint32_t>(bytes[at + 3]) << 24;
}

struct Fragment {
  size_t item;  // offset of its item tag from the first one behind the offset table
  Bytes bytes;
};

struct Fragments {
  std::vector<uint32_t> offsets;  // Basic Offset Table
  std::vector<Fragment> list;
};

// Items until the delimiter. A cut-off last item is left out: its frame is then missing or refused by the codec.
Fragments ReadFragments(Bytes value) {
  Fragments fragments;
  size_t at = 0;
  size_t base = 0;
  bool table = true;
  while (value.size() - at >= 8) {
    const uint32_t tag = (U32(value, at) & 0xffff) << 16 | U32(value, at) >> 16;
    const uint32_t length = U32(value, at + 4);
    if (tag != kItem) {
      break;
    }
    if (length > value.size() - at - 8) {
      Corrupt("A fragment is longer than the file.");
    }
    const Bytes bytes = value.subspan(at + 8, length);
    if (table) {
      for (size_t i = 0; i + 4 <= bytes.size(); i += 4) {
        fragments.offsets.push_back(U32(bytes, i));
      }
      base = at + 8 + length;
      table = false;
    } else {
      fragments.list.push_back({at - base, bytes});
    }
    at += 8 + length;
  }
  return fragments;
}

bool StartsCodestream(Bytes bytes) {  // JPEG and JPEG-LS SOI, JPEG 2000 SOC
  return bytes.size() >= 2 && bytes[0] == 0xff && (bytes[1] == 0xd8 || bytes[1] == 0x4f);
}

// Index of the fragment each frame begins with.
std::vector<size_t> FrameStarts(const Fragments& fragments, const std::vector<uint64_t>& offsets, long frames) {
  std::vector<size_t> starts;
  if (frames == 1) {
    starts.push_back(0);
    return starts;
  }
  const size_t wanted = static_cast<size_t>(frames);
  if (fragments.list.size() == wanted) {
    for (size_t i = 0; i < wanted; ++i) {
      starts.push_back(i);
    }
    return starts;
  }
  if (offsets.size() >= wanted) {
    size_t fragment = 0;
    for (size_t i = 0; i < wanted; ++i) {
      while (fragment < fragments.list.size() && fragments.list[fragment].item < offsets[i]) {
        ++fragment;
      }
      if (fragment == fragments.list.size() || fragments.list[fragment].item != offsets[i]) {
        Corrupt("The offset table points to no fragment.");
      }
      starts.push_back(fragment);
    }
    return starts;
  }
  for (size_t i = 0; i < fragments.list.size(); ++i) {
    if (StartsCodestream(fragments.list[i].bytes)) {
      starts.push_back(i);
    }
  }
  if (starts.size() < wanted) {
    Corrupt("It has fewer frames than it says.");
  }
  return starts;
}

std::vector<uint64_t> ExtendedOffsets(Dataset& dataset) {
  std::vector<uint64_t> offsets;
  DcmElement* element = nullptr;
  Uint64* values = nullptr;
  if (dataset.dcmtk().findAndGetElement(DCM_ExtendedOffsetTable, element).good() && element->ident() == EVR_OV &&
      element->getUint64Array(values).good() && values != nullptr) {
    offsets.assign(values, values + element->getLength() / sizeof(Uint64));
  }
  return offsets;
}

int Required(Dataset& dataset, const DcmTagKey& tag, const char* name) {
  const std::optional<long> value = dataset.Integer(tag);
  if (!value) {
    Corrupt(std::string(name) + " is missing.");
  }
  return static_cast<int>(*value);
}

}  // namespace

PixelFormat ReadPixelFormat(Dataset& dataset, const PixelElement& pixels, uint64_t max_pixels) {
  PixelFormat format;
  format.height = Required(dataset, DCM_Rows, "Rows");
  format.width = Required(dataset, DCM_Columns, "Columns");
  CheckSize(format.width, format.height, max_pixels);
  format.samples = static_cast<int>(dataset.Integer(DCM_SamplesPerPixel).value_or(1));
  format.photometric = dataset.String(DCM_PhotometricInterpretation);
  format.frames = dataset.Integer(DCM_NumberOfFrames).value_or(1);
  if (format.frames < 1) {
    format.frames = 1;
  }
  if (pixels.tag != 0x7fe00010) {
    format.bits_allocated = format.bits_stored = pixels.tag == 0x7fe00008 ? 32 : 64;
    format.high_bit = format.bits_stored - 1;
    format.is_signed = true;
  } else {
    format.bits_allocated = Required(dataset, DCM_BitsAllocated, "Bits Allocated");
    format.bits_stored = static_cast<int>(dataset.Integer(DCM_BitsStored).value_or(format.bits_allocated));
    format.high_bit = static_cast<int>(dataset.Integer(DCM_HighBit).value_or(format.bits_stored - 1));
    format.is_signed = dataset.Integer(DCM_PixelRepresentation).value_or(0) == 1;
    const int allocated = format.bits_allocated;
    if (allocated != 1 && allocated != 8 && allocated != 16 && allocated != 32) {
      throw RequestError(ErrorCode::unsupported,
                         "DICOM image with " + std::to_string(allocated) + " bits allocated is not supported",
                         "1, 8, 16 and 32 are.");
    }
    if (format.bits_stored < 1 || format.bits_stored > allocated || format.high_bit < format.bits_stored - 1 ||
        format.high_bit >= allocated) {
      Corrupt("Bits Stored or High Bit contradicts Bits Allocated.");
    }
  }
  format.planar = dataset.Integer(DCM_PlanarConfiguration).value_or(0) == 1 && format.samples > 1;
  if (format.samples != 1 && format.samples != 3) {
    throw RequestError(ErrorCode::unsupported,
                       "DICOM image with " + std::to_string(format.samples) + " samples per pixel is not supported");
  }
  if (format.samples == 3 && (format.bits_allocated < 8 || pixels.tag != 0x7fe00010)) {
    throw RequestError(ErrorCode::unsupported,
                       "DICOM colour image of 1-bit or floating point samples is not supported");
  }
  return format;
}

bool Subsampled(const PixelFormat& format) {
  return format.samples == 3 && (format.photometric == "YBR_FULL_422" || format.photometric == "YBR_PARTIAL_422");
}

Bytes NativeFrame(const PixelElement& pixels, const PixelFormat& format, long frame, int& first_bit) {
  const uint64_t samples = Subsampled(format) ? 2 : format.samples;
  const uint64_t bits = static_cast<uint64_t>(format.width) * format.height * samples * format.bits_allocated;
  if (static_cast<uint64_t>(frame) > pixels.value.size() * 8 / bits) {  // so that the products stay small
    Corrupt("They end before this frame.");
  }
  const uint64_t first = bits * static_cast<uint64_t>(frame);
  first_bit = static_cast<int>(first % 8);
  const uint64_t begin = first / 8;
  const uint64_t end = (first + bits + 7) / 8;
  if (end > pixels.value.size()) {
    Corrupt("They hold " + std::to_string(pixels.value.size()) + " bytes where " + std::to_string(end) +
            " are needed for this frame.");
  }
  return pixels.value.subspan(begin, end - begin);
}

std::vector<uint8_t> EncapsulatedFrame(Dataset& dataset, const PixelElement& pixels, long frame, long frames) {
  const Fragments fragments = ReadFragments(pixels.value);
  if (fragments.list.empty()) {
    Corrupt("They hold no frame.");
  }
  std::vector<uint64_t> offsets = ExtendedOffsets(dataset);
  if (offsets.empty()) {
    offsets.assign(fragments.offsets.begin(), fragments.offsets.end());
  }
  const std::vector<size_t> starts = FrameStarts(fragments, offsets, frames);
  const size_t begin = starts[frame];
  const size_t end = static_cast<size_t>(frame) + 1 < starts.size() ? starts[frame + 1] : fragments.list.size();
  std::vector<uint8_t> bytes;
  for (size_t i = begin; i < end; ++i) {
    bytes.insert(bytes.end(), fragments.list[i].bytes.begin(), fragments.list[i].bytes.end());
  }
  return bytes;
}

}  // namespace medvec::decode::dicom
