#include "pixels.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcelem.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "codecs.hpp"
#include "colour.hpp"
#include "frames.hpp"
#include "voi_lut.hpp"

namespace medvec::decode::dicom {
namespace {

[[noreturn]] void Unsupported(const std::string& message, const std::string& detail = {}) {
  throw RequestError(ErrorCode::unsupported, message, detail);
}

// Uncompressed samples brought to little endian and colour by pixel.
StoredFrame NativeStored(const TransferSyntax& syntax, const PixelElement& pixels, PixelFormat& format, long frame) {
  const bool subsampled = Subsampled(format);
  const uint64_t full = static_cast<uint64_t>(format.width) * format.height * 3 * (format.bits_allocated / 8);
  if (subsampled && pixels.value.size() / full >= static_cast<uint64_t>(format.frames)) {
    format.photometric =
        format.photometric == "YBR_FULL_422" ? "YBR_FULL" : "YBR_PARTIAL_420";  // not subsampled after all
  }
  StoredFrame out;
  out.bits_allocated = format.bits_allocated;
  out.bits_stored = format.bits_stored;
  out.colour = ColourOf(format);
  int first_bit = 0;
  const Bytes bytes = NativeFrame(pixels, format, frame, first_bit);
  const size_t count = static_cast<size_t>(format.width) * format.height;
  if (format.bits_allocated == 1) {  // first pixel in the lowest bit (PS3.5 8.1.1)
    out.bits_allocated = 8;
    out.bytes.resize(count);
    for (size_t i = 0; i < count; ++i) {
      const size_t bit = first_bit + i;
      out.bytes[i] = bytes[bit / 8] >> (bit % 8) & 1;
    }
    return out;
  }

  out.bytes.assign(bytes.begin(), bytes.end());
  const int width = format.bits_allocated / 8;
  if (syntax.big_endian) {
    // 8-bit samples in OW are two in a swapped word (PS3.5 annex D in older editions).
    const int swapped = width > 1 ? width : pixels.vr[1] == 'W' ? 2 : 1;
    for (size_t i = 0; swapped > 1 && i + swapped <= out.bytes.size(); i += swapped) {
      std::reverse(out.bytes.begin() + i, out.bytes.begin() + i + swapped);
    }
  }
  if (Subsampled(format)) {  // Y Y Cb Cr for two pixels
    std::vector<uint8_t> spread(count * 3 * width);
    for (size_t i = 0; i < count; ++i) {
      const uint8_t* pair = out.bytes.data() + i / 2 * 4 * width;
      if ((i / 2 + 1) * 4 * width > out.bytes.size()) {
        break;
      }
      uint8_t* pixel = spread.data() + i * 3 * width;
      std::memcpy(pixel, pair + i % 2 * width, width);
      std::memcpy(pixel + width, pair + 2 * width, 2 * width);
    }
    out.bytes = std::move(spread);
  } else if (format.planar) {
    std::vector<uint8_t> mixed(out.bytes.size());
    for (size_t i = 0; i < count; ++i) {
      for (int c = 0; c < 3; ++c) {
        std::memcpy(mixed.data() + (i * 3 + c) * width, out.bytes.data() + (c * count + i) * width, width);
      }
    }
    out.bytes = std::move(mixed);
  }
  if (format.high_bit != format.bits_stored - 1) {  // bring the stored bits down
    const int shift = format.high_bit - (format.bits_stored - 1);
    for (size_t i = 0; i + width <= out.bytes.size(); i += width) {
      uint32_t value = 0;
      std::memcpy(&value, out.bytes.data() + i, width);
      value >>= shift;
      std::memcpy(out.bytes.data() + i, &value, width);
    }
  }
  return out;
}

StoredFrame Stored(Dataset& dataset, const Structure& structure, PixelFormat& format, long frame) {
  const TransferSyntax& syntax = structure.syntax;
  const PixelElement& pixels = *structure.pixels;
  if (syntax.codec == Codec::none) {
    Unsupported("transfer syntax " + syntax.uid + " (" + syntax.name + ") is not supported");
  }
  if (!pixels.encapsulated) {
    if (syntax.encapsulated) {
      throw RequestError(ErrorCode::corrupt_image, "DICOM file is corrupt",
                         std::string("Its pixel data are not encapsulated under transfer syntax ") + syntax.name + ".");
    }
    return NativeStored(syntax, pixels, format, frame);
  }
  std::vector<uint8_t> stream = EncapsulatedFrame(dataset, pixels, frame, format.frames);
  switch (syntax.codec) {
    case Codec::rle:
      return DecodeRle(format, stream);
    case Codec::jpeg2000:
      return DecodeJpeg2000(format, stream);
    case Codec::native: {
      if (!syntax.encapsulated) {
        break;
      }
      PixelElement one = pixels;
      one.value = stream;
      PixelFormat single = format;
      single.frames = 1;
      StoredFrame out = NativeStored(syntax, one, single, 0);
      format.photometric = single.photometric;
      return out;
    }
    default:
      return DecodeWithDcmtk(format, syntax, std::move(stream));
  }
  throw RequestError(ErrorCode::corrupt_image, "DICOM file is corrupt",
                     std::string("Its pixel data are encapsulated under transfer syntax ") + syntax.name + ".");
}

std::optional<Lut> ReadLut(DcmItem& parent, const DcmTagKey& sequence, bool signed_input) {
  DcmItem* item = nullptr;
  if (!parent.tagExistsWithValue(sequence) || parent.findAndGetSequenceItem(sequence, item, 0).bad()) {
    return {};
  }
  DcmElement* descriptor_element = nullptr;
  const std::vector<uint16_t> descriptor = WordsOf(*item, DCM_LUTDescriptor);
  std::vector<uint16_t> words = WordsOf(*item, DCM_LUTData);
  if (descriptor.size() < 3 || words.empty()) {
    return {};
  }
  item->findAndGetElement(DCM_LUTDescriptor, descriptor_element);
  const size_t count = descriptor[0] == 0 ? 65536 : descriptor[0];
  if (words.size() < count && words.size() * 2 >= count) {  // 8-bit entries, two in a word
    std::vector<uint16_t> bytes;
    for (uint16_t word : words) {
      bytes.push_back(word & 0xff);
      bytes.push_back(word >> 8);
    }
    words = std::move(bytes);
  }
  words.resize(std::min(words.size(), count));
  Lut lut;
  lut.first = signed_input || descriptor_element->ident() == EVR_SS ? static_cast<int16_t>(descriptor[1])
                                                                    : static_cast<int32_t>(descriptor[1]);
  const int bits = descriptor[2] >= 1 && descriptor[2] <= 16 ? descriptor[2] : 16;
  const int used = std::bit_width(static_cast<unsigned>(*std::max_element(words.begin(), words.end())));
  lut.maximum = (1 << std::max(bits, used)) - 1;  // descriptors that understate the bits occur
  lut.entries = std::move(words);
  return lut;
}

WindowFunction FunctionOf(DcmItem& item) {
  const std::string name = StringOf(item, DCM_VOILUTFunction);
  return name == "SIGMOID"        ? WindowFunction::sigmoid
         : name == "LINEAR_EXACT" ? WindowFunction::linear_exact
                                  : WindowFunction::linear;
}

GreyTransform ReadTransform(Dataset& dataset, const PixelFormat& format, long frame,
                            const std::optional<embedder::Window>& window) {
  GreyTransform transform;
  transform.modality_lut = ReadLut(dataset.dcmtk(), DCM_ModalityLUTSequence, format.is_signed);
  if (!transform.modality_lut) {
    if (DcmItem* item = dataset.ItemWith(DCM_RescaleSlope, DCM_PixelValueTransformationSequence, frame)) {
      const double slope = NumberOf(*item, DCM_RescaleSlope).value_or(1);
      transform.slope = slope != 0 ? slope : 1;
      transform.intercept = NumberOf(*item, DCM_RescaleIntercept).value_or(0);
    }
  }
  transform.inverted = format.photometric == "MONOCHROME1" || dataset.String(DCM_PresentationLUTShape) == "INVERSE";
  if (window) {
    transform.window = {window->center, window->width, WindowFunction::linear_exact};
    return transform;
  }
  const bool negative = format.is_signed || (!transform.modality_lut && transform.intercept < 0);
  DcmItem* lut_item = dataset.ItemWith(DCM_VOILUTSequence, DCM_FrameVOILUTSequence, frame);
  if (lut_item != nullptr) {
    transform.voi_lut = ReadLut(*lut_item, DCM_VOILUTSequence, negative);
  }
  if (DcmItem* item = dataset.ItemWith(DCM_WindowCenter, DCM_FrameVOILUTSequence, frame)) {
    const std::optional<double> center = NumberOf(*item, DCM_WindowCenter);
    const std::optional<double> width = NumberOf(*item, DCM_WindowWidth);
    const WindowFunction function = FunctionOf(*item);
    if (center && width && (function == WindowFunction::linear ? *width >= 1 : *width > 0)) {
      transform.window = {*center, *width, function};
    }
  }
  return transform;
}

// Pixel Padding Value, and the range it spans with Pixel Padding Range Limit (PS3.3 C.7.5.1.1.2), in stored values.
struct Padding {
  bool present = false;
  double low = 0;
  double high = 0;
  bool Holds(double stored) const { return present && stored >= low && stored <= high; }
};

Padding ReadPadding(Dataset& dataset, const PixelFormat& format, bool floating) {
  auto value = [&](const DcmTagKey& tag) -> std::optional<double> {
    std::optional<double> number = dataset.Number(tag);
    if (number && !floating) {  // VR and sign are often at odds; the sign of the pixels decides
      *number = format.is_signed ? static_cast<double>(static_cast<int16_t>(static_cast<int32_t>(*number)))
                                 : static_cast<double>(static_cast<uint16_t>(static_cast<int32_t>(*number)));
    }
    return number;
  };
  Padding padding;
  const std::optional<double> first = value(floating ? DCM_FloatPixelPaddingValue : DCM_PixelPaddingValue);
  const std::optional<double> last = value(floating ? DCM_FloatPixelPaddingRangeLimit : DCM_PixelPaddingRangeLimit);
  if (first) {
    padding = {true, std::min(*first, last.value_or(*first)), std::max(*first, last.value_or(*first))};
  }
  return padding;
}

// Calls shown(stored value, padding?) once for every code of up to 16 bits and writes the picture by table.
void ShowByTable(const StoredFrame& frame, const PixelFormat& format, const Padding& padding, GreyTransform& transform,
                 Image& image) {
  const size_t codes = size_t{1} << frame.bits_allocated;
  const size_t count = static_cast<size_t>(format.width) * format.height;
  auto code = [&](size_t i) -> uint32_t {
    return frame.bits_allocated == 8 ? frame.bytes[i] : frame.bytes[2 * i] | frame.bytes[2 * i + 1] << 8;
  };
  const uint32_t mask = (1u << frame.bits_stored) - 1;
  const uint32_t sign = 1u << (frame.bits_stored - 1);
  auto stored = [&](uint32_t c) -> double {
    const int32_t value = static_cast<int32_t>(c & mask);
    return format.is_signed && (c & sign) != 0 ? value - static_cast<int32_t>(mask) - 1 : value;
  };
  // Padding may use bits above Bits Stored (GE's -2000 in 12-bit CT), so the whole word is compared too.
  auto is_padding = [&](uint32_t c) {
    const double word = format.is_signed
                            ? (frame.bits_allocated == 8 ? static_cast<int8_t>(c) : static_cast<int16_t>(c))
                            : static_cast<double>(c);
    return padding.Holds(stored(c)) || padding.Holds(word);
  };
  if (!transform.voi_lut && !transform.window) {
    std::vector<bool> used(codes);
    for (size_t i = 0; i < count; ++i) {
      used[code(i)] = true;
    }
    bool any = false;
    for (uint32_t c = 0; c < codes; ++c) {
      if (used[c] && !is_padding(c)) {
        const double value = transform.Modality(stored(c));
        transform.low = any ? std::min(transform.low, value) : value;
        transform.high = any ? std::max(transform.high, value) : value;
        any = true;
      }
    }
  }
  std::vector<float> table(codes);
  for (uint32_t c = 0; c < codes; ++c) {
    table[c] = is_padding(c) ? 0.0f : static_cast<float>(transform.Display(stored(c)));
  }
  float* out = image.row<float>(0);
  for (size_t i = 0; i < count; ++i) {
    out[i] = table[code(i)];
  }
}

// The same for 32-bit integers and floating point pixels, one by one. `stored(i)`.
template <typename Stored>
void ShowEach(Stored stored, size_t count, const Padding& padding, GreyTransform& transform, Image& image) {
  if (!transform.voi_lut && !transform.window) {
    bool any = false;
    for (size_t i = 0; i < count; ++i) {
      const double value = stored(i);
      if (std::isfinite(value) && !padding.Holds(value)) {
        const double shown = transform.Modality(value);
        transform.low = any ? std::min(transform.low, shown) : shown;
        transform.high = any ? std::max(transform.high, shown) : shown;
        any = true;
      }
    }
  }
  float* out = image.row<float>(0);
  for (size_t i = 0; i < count; ++i) {
    const double value = stored(i);
    out[i] = std::isfinite(value) && !padding.Holds(value) ? static_cast<float>(transform.Display(value)) : 0.0f;
  }
}

template <typename T>
T Load(const uint8_t* bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
  return value;
}

Image GreyImage(Dataset& dataset, const PixelFormat& format, const StoredFrame& frame, uint32_t tag, long index,
                const std::optional<embedder::Window>& window) {
  GreyTransform transform = ReadTransform(dataset, format, index, window);
  const bool floating = tag != 0x7fe00010;
  const Padding padding = ReadPadding(dataset, format, floating);
  Image image(format.width, format.height, 1, Sample::f32);
  const size_t count = static_cast<size_t>(format.width) * format.height;
  const uint8_t* bytes = frame.bytes.data();
  if (tag == 0x7fe00008) {
    ShowEach([&](size_t i) { return static_cast<double>(Load<float>(bytes, i)); }, count, padding, transform, image);
  } else if (tag == 0x7fe00009) {
    ShowEach([&](size_t i) { return Load<double>(bytes, i); }, count, padding, transform, image);
  } else if (frame.bits_allocated == 32) {
    const int unused = 32 - frame.bits_stored;
    ShowEach(
        [&](size_t i) {
          const uint32_t word = Load<uint32_t>(bytes, i) << unused;
          return format.is_signed ? static_cast<double>(static_cast<int32_t>(word) >> unused)
                                  : static_cast<double>(word >> unused);
        },
        count, padding, transform, image);
  } else {
    ShowByTable(frame, format, padding, transform, image);
  }
  return image;
}

// Height over width of a pixel; 1 where it is not known or not believable.
double PixelAspect(Dataset& dataset, long frame) {
  struct Source {
    DcmTagKey tag;
    DcmTagKey macro;
  };
  for (const Source& source :
       {Source{DCM_PixelSpacing, DCM_PixelMeasuresSequence}, Source{DCM_ImagerPixelSpacing, DCM_PixelMeasuresSequence},
        Source{DCM_NominalScannedPixelSpacing, DCM_PixelMeasuresSequence},
        Source{DCM_PixelAspectRatio, DCM_PixelMeasuresSequence}}) {
    DcmItem* item = dataset.ItemWith(source.tag, source.macro, frame);
    if (item == nullptr) {
      continue;
    }
    const double vertical = NumberOf(*item, source.tag, 0).value_or(0);
    const double horizontal = NumberOf(*item, source.tag, 1).value_or(0);
    if (vertical > 0 && horizontal > 0) {
      const double aspect = vertical / horizontal;
      const bool believable = aspect >= 0.05 && aspect <= 20;
      return believable && std::fabs(aspect - 1) > 1e-3 ? aspect : 1;
    }
  }
  return 1;
}

}  // namespace

Image DecodeFrame(const Structure& structure, uint64_t max_pixels, long frame, embedder::FrameChoice choice,
                  const std::optional<embedder::Window>& window) {
  if (!structure.pixels) {
    Unsupported("DICOM file has no pixel data", "It may be a report, a structure set, a DICOMDIR or a header alone.");
  }
  Dataset dataset(structure);
  PixelFormat format = ReadPixelFormat(dataset, *structure.pixels, max_pixels);
  if (frame < 0) {
    frame = choice == embedder::FrameChoice::middle ? format.frames / 2 : 0;
  }
  if (frame >= format.frames) {
    throw RequestError(ErrorCode::invalid_argument,
                       "frame " + std::to_string(frame + 1) + " does not exist",  // people count from 1, as DICOM does
                       "Frames of the image: " + std::to_string(format.frames) + ".");
  }
  StoredFrame stored = Stored(dataset, structure, format, frame);
  Image image;
  switch (stored.colour) {
    case ColourModel::grey:
      image = GreyImage(dataset, format, stored, structure.pixels->tag, frame, window);
      break;
    case ColourModel::palette:
      image = PaletteImage(dataset, format, stored);
      break;
    default:
      image = ColourImage(format, stored);
  }
  image.pixel_aspect = PixelAspect(dataset, frame);
  return image;
}

}  // namespace medvec::decode::dicom
