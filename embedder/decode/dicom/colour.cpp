#include "colour.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace medvec::decode::dicom {
namespace {

[[noreturn]] void CorruptPalette(const std::string& detail) {
  throw RequestError(ErrorCode::corrupt_image, "DICOM palette is corrupt", detail);
}

// `sample` in 0..maximum. Chroma is centred on the middle code, 128 of 8 bits.
void ToRgb(ColourModel model, const float (&in)[3], float maximum, float (&out)[3]) {
  if (model != ColourModel::ybr_full && model != ColourModel::ybr_partial) {
    std::copy(in, in + 3, out);
    return;
  }
  const float middle = (maximum + 1) / 2;
  float y = in[0];
  float b = in[1] - middle;
  float r = in[2] - middle;
  if (model == ColourModel::ybr_partial) {  // luma 16..235, chroma 16..240 of 8 bits
    const float unit = (maximum + 1) / 256;
    y = (y - 16 * unit) * (255.0f / 219.0f);
    b *= 255.0f / 224.0f;
    r *= 255.0f / 224.0f;
  }
  out[0] = y + 1.402f * r;
  out[1] = y - 0.344136f * b - 0.714136f * r;
  out[2] = y + 1.772f * b;
}

template <typename T>
void Fill(const StoredFrame& frame, Image& image) {
  constexpr float kFull = static_cast<T>(-1);
  const uint32_t mask = (1u << frame.bits_stored) - 1;
  const float maximum = static_cast<float>(mask);
  const size_t count = static_cast<size_t>(image.width()) * image.height();
  const uint8_t* in = frame.bytes.data();
  T* out = image.row<T>(0);
  const bool plain = frame.colour == ColourModel::rgb && maximum == kFull;
  for (size_t i = 0; i < count; ++i) {
    float samples[3];
    float rgb[3];
    for (float& sample : samples) {
      uint32_t value = *in++;
      if constexpr (sizeof(T) == 2) {
        value |= static_cast<uint32_t>(*in++) << 8;
      }
      sample = static_cast<float>(value & mask);
    }
    if (plain) {
      std::copy(samples, samples + 3, rgb);
    } else {
      ToRgb(frame.colour, samples, maximum, rgb);
    }
    for (float value : rgb) {
      *out++ = static_cast<T>(std::clamp(value * (kFull / maximum) + 0.5f, 0.0f, kFull));
    }
  }
}

// 32 bits a sample to the upper 16 of those stored.
StoredFrame Narrowed(const StoredFrame& frame) {
  StoredFrame out;
  out.bits_allocated = 16;
  out.bits_stored = std::min(frame.bits_stored, 16);
  out.colour = frame.colour;
  out.bytes.resize(frame.bytes.size() / 2);
  const int shift = frame.bits_stored - out.bits_stored;
  for (size_t i = 0; i < out.bytes.size() / 2; ++i) {
    uint32_t value;
    std::memcpy(&value, frame.bytes.data() + 4 * i, 4);
    value >>= shift;
    std::memcpy(out.bytes.data() + 2 * i, &value, 2);
  }
  return out;
}

struct Palette {
  int32_t first = 0;
  std::vector<uint16_t> entries;  // over 0..65535
};

Palette ReadPalette(DcmItem& item, const DcmTagKey& descriptor_tag, const DcmTagKey& data_tag,
                    const DcmTagKey& segmented_tag) {
  const std::vector<uint16_t> descriptor = WordsOf(item, descriptor_tag);
  if (descriptor.size() < 3) {
    CorruptPalette("A descriptor is missing.");
  }
  const size_t count = descriptor[0] == 0 ? 65536 : descriptor[0];
  Palette palette;
  palette.first = StringOf(item, DCM_PixelRepresentation) == "1" ? static_cast<int16_t>(descriptor[1]) : descriptor[1];
  std::vector<uint16_t> words = WordsOf(item, data_tag);
  if (words.empty()) {
    words = ExpandSegments(WordsOf(item, segmented_tag), count);
  } else if (words.size() < count && words.size() * 2 >= count) {  // bytes, two in a word
    std::vector<uint16_t> bytes;
    for (uint16_t word : words) {
      bytes.push_back(word & 0xff);
      bytes.push_back(word >> 8);
    }
    words = std::move(bytes);
  }
  if (words.empty()) {
    CorruptPalette("Its data are missing.");
  }
  words.resize(std::min(words.size(), count));
  // 8-bit entries are spread; some writers say 8 and mean the high byte of 16.
  const bool narrow = descriptor[2] <= 8 && *std::max_element(words.begin(), words.end()) <= 255;
  for (uint16_t& word : words) {
    word = narrow ? word * 257 : word;
  }
  palette.entries = std::move(words);
  return palette;
}

}  // namespace

Image ColourImage(const PixelFormat& format, const StoredFrame& frame) {
  if (frame.bits_allocated == 32) {
    return ColourImage(format, Narrowed(frame));
  }
  Image image(format.width, format.height, 3, frame.bits_allocated == 8 ? Sample::u8 : Sample::u16);
  if (image.sample() == Sample::u8) {
    Fill<uint8_t>(frame, image);
  } else {
    Fill<uint16_t>(frame, image);
  }
  return image;
}

Image PaletteImage(Dataset& dataset, const PixelFormat& format, const StoredFrame& frame) {
  if (frame.bits_allocated != 8 && frame.bits_allocated != 16) {
    throw RequestError(ErrorCode::unsupported, "DICOM palette image with " + std::to_string(frame.bits_allocated) +
                                                   " bits allocated is not supported");
  }
  DcmItem& item = dataset.dcmtk();
  const Palette channels[3] = {
      ReadPalette(item, DCM_RedPaletteColorLookupTableDescriptor, DCM_RedPaletteColorLookupTableData,
                  DCM_SegmentedRedPaletteColorLookupTableData),
      ReadPalette(item, DCM_GreenPaletteColorLookupTableDescriptor, DCM_GreenPaletteColorLookupTableData,
                  DCM_SegmentedGreenPaletteColorLookupTableData),
      ReadPalette(item, DCM_BluePaletteColorLookupTableDescriptor, DCM_BluePaletteColorLookupTableData,
                  DCM_SegmentedBluePaletteColorLookupTableData)};
  const bool narrow = std::all_of(std::begin(channels), std::end(channels), [](const Palette& palette) {
    return std::all_of(palette.entries.begin(), palette.entries.end(), [](uint16_t e) { return e % 257 == 0; });
  });
  Image image(format.width, format.height, 3, narrow ? Sample::u8 : Sample::u16);
  const uint32_t mask = (1u << frame.bits_stored) - 1;
  const size_t count = static_cast<size_t>(format.width) * format.height;
  for (size_t i = 0; i < count; ++i) {
    uint32_t index = frame.bits_allocated == 8 ? frame.bytes[i] : frame.bytes[2 * i] | frame.bytes[2 * i + 1] << 8;
    index &= mask;
    for (int c = 0; c < 3; ++c) {
      const Palette& palette = channels[c];
      const int32_t at = std::clamp<int32_t>(static_cast<int32_t>(index) - palette.first, 0,
                                             static_cast<int32_t>(palette.entries.size()) - 1);
      if (narrow) {
        image.row<uint8_t>(0)[3 * i + c] = static_cast<uint8_t>(palette.entries[at] / 257);
      } else {
        image.row<uint16_t>(0)[3 * i + c] = palette.entries[at];
      }
    }
  }
  return image;
}

std::vector<uint16_t> ExpandSegments(const std::vector<uint16_t>& words, size_t limit) {
  std::vector<uint16_t> out;
  std::vector<size_t> starts;  // of every segment, which an indirect one may point to
  // Runs the segments at `at` .. `end`, at most `segments` of them; indirect ones run again what lies before them.
  auto run = [&](auto& self, size_t at, size_t end, size_t segments, bool indirect) -> void {
    for (size_t done = 0; at < end && done < segments && out.size() < limit; ++done) {
      if (end - at < 2) {
        break;  // padding
      }
      const uint16_t opcode = words[at];
      const size_t length = words[at + 1];
      if (!indirect) {
        starts.push_back(at);
      }
      if (opcode == 0) {  // discrete
        if (length > end - at - 2) {
          CorruptPalette("A segment is cut off.");
        }
        out.insert(out.end(), words.begin() + at + 2, words.begin() + at + 2 + length);
        at += 2 + length;
      } else if (opcode == 1) {  // linear, from the last value
        if (end - at < 3 || out.empty()) {
          CorruptPalette("A linear segment begins with nothing.");
        }
        const double from = out.back();
        const double to = words[at + 2];
        for (size_t i = 1; i <= length && out.size() < limit; ++i) {
          out.push_back(static_cast<uint16_t>(std::lround(from + (to - from) * i / length)));
        }
        at += 3;
      } else if (opcode == 2 && !indirect) {  // indirect: `length` segments from a byte offset on
        if (end - at < 4) {
          CorruptPalette("A segment is cut off.");
        }
        const size_t target = (words[at + 2] | static_cast<size_t>(words[at + 3]) << 16) / 2;
        if (std::find(starts.begin(), starts.end(), target) == starts.end() || target >= at) {
          CorruptPalette("An indirect segment points to none.");
        }
        self(self, target, at, length, true);
        at += 4;
      } else {
        CorruptPalette("A segment is of an unknown kind.");
      }
    }
  };
  run(run, 0, words.size(), words.size(), false);
  out.resize(std::min(out.size(), limit));
  return out;
}

}  // namespace medvec::decode::dicom
