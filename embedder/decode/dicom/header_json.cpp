#include "header_json.hpp"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "charset.hpp"
#include "dataset.hpp"

namespace medvec::decode::dicom {
namespace {

// Writes text as it goes, so that a header costs its own length and not a tree of nodes.
class Writer {
 public:
  void Raw(std::string_view text) {
    if (text.size() > kMaxHeaderJson - out.size()) {
      throw RequestError(ErrorCode::too_large, "DICOM header is too large",
                         "The limit is " + std::to_string(kMaxHeaderJson >> 20) + " MB of JSON.");
    }
    out += text;
  }
  // `text` may be any bytes.
  void String(std::string_view text);
  // A value among others: puts the comma.
  void Separate(bool& first) {
    if (!first) {
      Raw(",");
    }
    first = false;
  }

  std::string out;
};

// Length of the UTF-8 sequence at the start of `text`, 0 where it is none (RFC 3629: no overlong forms, no surrogates).
size_t Utf8Length(std::string_view text) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0u; };
  auto tail = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xc2 && lead <= 0xdf) {
    return tail(1) ? 2 : 0;
  }
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool second = lead == 0xe0 ? byte(1) >= 0xa0 : lead == 0xed ? byte(1) <= 0x9f : true;
    return second && tail(1) && tail(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool second = lead == 0xf0 ? byte(1) >= 0x90 : lead == 0xf4 ? byte(1) <= 0x8f : true;
    return second && tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

void Writer::String(std::string_view text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  std::string quoted = "\"";
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const uint8_t c = static_cast<uint8_t>(text[0]);
    if (length == 0) {
      quoted += kReplacement;
    } else if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += text[0];
    } else if (c == '\n' || c == '\r' || c == '\t') {
      quoted += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (c < 0x20 || c == 0x7f) {
      quoted += kReplacement;
    } else {
      quoted += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  quoted += '"';
  Raw(quoted);
}

std::string_view Trimmed(std::string_view text, bool leading) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) {
    text.remove_suffix(1);
  }
  while (leading && !text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  return text;
}

// Up to the next `separator`, which is taken off too; false when nothing is left.
bool Next(std::string_view& rest, bool& ended, char separator, std::string_view& part) {
  if (ended) {
    return false;
  }
  const size_t at = rest.find(separator);
  part = rest.substr(0, at);
  ended = at == std::string_view::npos;
  rest = ended ? std::string_view() : rest.substr(at + 1);
  return true;
}

void Number(Writer& writer, double value) {
  if (!std::isfinite(value)) {
    writer.String(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
    return;
  }
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  writer.Raw({text, static_cast<size_t>(end.ptr - text)});
}

// A DS or IS value: digits that JSON takes are kept as they are, so that no decimal place is lost.
void NumberText(Writer& writer, std::string_view text) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (begin != end && *begin == '+') {
    ++begin;
  }
  double value = 0;
  const auto result = std::from_chars(begin, end, value);
  if (result.ec == std::errc() && result.ptr == end && std::isfinite(value)) {
    Number(writer, value);
  } else {
    writer.String(text);
  }
}

void PersonName(Writer& writer, std::string_view name) {
  constexpr const char* kGroups[] = {"Alphabetic", "Ideographic", "Phonetic"};
  bool first = true;
  bool ended = false;
  std::string_view group;
  writer.Raw("{");
  for (int i = 0; i < 3 && Next(name, ended, '=', group); ++i) {
    if (!group.empty()) {
      writer.Separate(first);
      writer.String(kGroups[i]);
      writer.Raw(":");
      writer.String(group);
    }
  }
  writer.Raw("}");
}

void Base64(Writer& writer, Bytes bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text = "\"";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = bytes.size() - i;
    const uint32_t triple = bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
    text += kDigits[triple >> 18];
    text += kDigits[triple >> 12 & 63];
    text += left > 1 ? kDigits[triple >> 6 & 63] : '=';
    text += left > 2 ? kDigits[triple & 63] : '=';
  }
  writer.Raw(text + "\"");
}

class Header {
 public:
  std::string Write(DcmItem& dataset) {
    Item(dataset, "");
    return std::move(writer_.out);
  }

 private:
  void Item(DcmItem& item, const std::string& outer_character_set);
  void Element(DcmElement& element, const Charset& charset, const std::string& character_set, bool& first);
  void Strings(DcmElement& element, DcmEVR vr, std::string_view value, const Charset& charset);
  template <typename T, typename Get, typename Put>
  void Numbers(DcmElement& element, Get get, Put put);

  Writer writer_;
};

void Header::Item(DcmItem& item, const std::string& outer_character_set) {
  std::string character_set = outer_character_set;
  OFString own;
  if (item.findAndGetOFStringArray(DCM_SpecificCharacterSet, own).good() && !own.empty()) {
    character_set = own.c_str();
  }
  const Charset charset(character_set);
  bool first = true;
  writer_.Raw("{");
  for (DcmObject* object = item.nextInContainer(nullptr); object != nullptr; object = item.nextInContainer(object)) {
    if (object->getETag() != 0 && object->getGTag() != 2) {
      Element(static_cast<DcmElement&>(*object), charset, character_set, first);
    }
  }
  writer_.Raw("}");
}

// The value of text VRs. Single-valued ones keep leading spaces and backslashes.
void Header::Strings(DcmElement& element, DcmEVR vr, std::string_view value, const Charset& charset) {
  const bool single = vr == EVR_LT || vr == EVR_ST || vr == EVR_UT || vr == EVR_UR;
  const bool affected =
      vr == EVR_LO || vr == EVR_LT || vr == EVR_PN || vr == EVR_SH || vr == EVR_ST || vr == EVR_UC || vr == EVR_UT;
  value = value.substr(0, value.find('\0'));
  std::string converted;
  // Specific Character Set itself becomes what the text now is (PS3.18 F.2.3 with PS3.5: JSON is UTF-8).
  if (element.getTag() == DCM_SpecificCharacterSet) {
    value = "ISO_IR 192";
  } else if (affected) {
    converted = charset.ToUtf8(value);
    value = converted;
  }
  bool first = true;
  bool ended = false;
  std::string_view part;
  while (single ? !std::exchange(ended, true) : Next(value, ended, '\\', part)) {
    part = Trimmed(single ? value : part, !single);
    writer_.Separate(first);
    if (part.empty()) {
      writer_.Raw("null");
    } else if (vr == EVR_PN) {
      PersonName(writer_, part);
    } else if (vr == EVR_DS || vr == EVR_IS) {
      NumberText(writer_, part);
    } else {
      writer_.String(part);
    }
  }
}

template <typename T, typename Get, typename Put>
void Header::Numbers(DcmElement& element, Get get, Put put) {
  T* values = nullptr;
  bool first = true;
  if ((element.*get)(values).good() && values != nullptr) {
    for (size_t i = 0; i < element.getLength() / sizeof(T); ++i) {
      writer_.Separate(first);
      put(values[i]);
    }
  }
}

void Header::Element(DcmElement& element, const Charset& charset, const std::string& character_set, bool& first) {
  DcmEVR vr = element.ident();
  const char* name = vr == EVR_OverlayData ? "OW" : DcmVR(vr).getValidVRName();
  const bool binary = vr == EVR_OB || vr == EVR_OW || vr == EVR_OD || vr == EVR_OF || vr == EVR_OL || vr == EVR_OV ||
                      vr == EVR_UN || vr == EVR_ox || vr == EVR_px || vr == EVR_lt || vr == EVR_PixelData ||
                      vr == EVR_OverlayData || vr == EVR_UNKNOWN || vr == EVR_UNKNOWN2B || vr == EVR_pixelSQ;
  const bool pixel_data = element.getGTag() == 0x7fe0;
  const size_t length = vr == EVR_SQ ? 0 : element.getLength();
  if (pixel_data || (binary && length > kMaxInlineBinary)) {
    return;
  }
  char key[16];
  std::snprintf(key, sizeof key, "\"%04X%04X\":", element.getGTag(), element.getETag());
  writer_.Separate(first);
  writer_.Raw(key);
  writer_.Raw("{\"vr\":");
  writer_.String(std::strlen(name) == 2 ? name : "UN");
  auto integer = [&](auto value) { writer_.Raw(std::to_string(value)); };
  if (vr == EVR_SQ) {
    auto& sequence = static_cast<DcmSequenceOfItems&>(element);
    if (sequence.card() > 0) {
      bool first_item = true;
      writer_.Raw(",\"Value\":[");
      for (DcmObject* item = sequence.nextInContainer(nullptr); item != nullptr;
           item = sequence.nextInContainer(item)) {
        writer_.Separate(first_item);
        Item(static_cast<DcmItem&>(*item), character_set);
      }
      writer_.Raw("]");
    }
  } else if (length == 0) {  // an empty value is a VR alone
  } else if (binary) {
    Uint8* bytes = nullptr;
    Uint16* words = nullptr;
    writer_.Raw(",\"InlineBinary\":");
    if (element.getUint8Array(bytes).good() && bytes != nullptr) {
      Base64(writer_, Bytes(bytes, length));
    } else if (element.getUint16Array(words).good() && words != nullptr) {
      Base64(writer_, Bytes(reinterpret_cast<const uint8_t*>(words), length));
    } else {
      writer_.Raw("\"\"");
    }
  } else {
    writer_.Raw(",\"Value\":[");
    switch (vr) {
      case EVR_US:
      case EVR_xs:
        Numbers<Uint16>(element, &DcmElement::getUint16Array, integer);
        break;
      case EVR_SS:
        Numbers<Sint16>(element, &DcmElement::getSint16Array, integer);
        break;
      case EVR_UL:
      case EVR_up:
        Numbers<Uint32>(element, &DcmElement::getUint32Array, integer);
        break;
      case EVR_SL:
        Numbers<Sint32>(element, &DcmElement::getSint32Array, integer);
        break;
      case EVR_UV:
        Numbers<Uint64>(element, &DcmElement::getUint64Array, integer);
        break;
      case EVR_SV:
        Numbers<Sint64>(element, &DcmElement::getSint64Array, integer);
        break;
      case EVR_FL: {
        // The shortest text of a float, not of the double it widens to.
        Numbers<Float32>(element, &DcmElement::getFloat32Array, [&](float value) {
          char shortest[32];
          const auto end = std::to_chars(shortest, shortest + sizeof shortest, value);
          std::isfinite(value) ? writer_.Raw({shortest, static_cast<size_t>(end.ptr - shortest)})
                               : Number(writer_, value);
        });
        break;
      }
      case EVR_FD:
        Numbers<Float64>(element, &DcmElement::getFloat64Array, [&](double value) { Number(writer_, value); });
        break;
      case EVR_AT: {
        bool first_tag = true;
        for (unsigned long i = 0; i < element.getVM(); ++i) {
          DcmTagKey tag;
          static_cast<void>(element.getTagVal(tag, i));
          std::snprintf(key, sizeof key, "%04X%04X", tag.getGroup(), tag.getElement());
          writer_.Separate(first_tag);
          writer_.String(key);
        }
        break;
      }
      default: {
        char* value = nullptr;
        Uint32 value_length = 0;
        if (element.getString(value, value_length).good() && value != nullptr) {
          Strings(element, vr, std::string_view(value, value_length), charset);
        }
      }
    }
    writer_.Raw("]");
  }
  writer_.Raw("}");
}

}  // namespace

std::string HeaderJson(const Structure& structure) {
  Dataset dataset(structure);
  std::string json = Header().Write(dataset.dcmtk());
  if (!nlohmann::json::accept(json)) {
    throw RequestError(ErrorCode::internal, "the JSON of a DICOM header came out wrong");
  }
  return json;
}

}  // namespace medvec::decode::dicom
