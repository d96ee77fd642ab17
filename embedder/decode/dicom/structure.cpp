#include "structure.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "dictionary.hpp"

namespace medvec::decode::dicom {
namespace {

constexpr uint32_t kUndefined = 0xffffffff;
constexpr uint32_t kItem = 0xfffee000;
constexpr uint32_t kItemEnd = 0xfffee00d;
constexpr uint32_t kSequenceEnd = 0xfffee0dd;
constexpr uint32_t kPixelData = 0x7fe00010;
constexpr uint32_t kFloatPixelData = 0x7fe00008;
constexpr uint32_t kDoublePixelData = 0x7fe00009;
constexpr uint32_t kTransferSyntaxUid = 0x00020010;

[[noreturn]] void Corrupt(const std::string& detail) {
  throw RequestError(ErrorCode::corrupt_image, "DICOM file is corrupt", detail);
}

std::string Hex(uint32_t tag) {
  char text[16];
  std::snprintf(text, sizeof text, "(%04X,%04X)", tag >> 16, tag & 0xffff);
  return text;
}

bool Capital(uint8_t c) { return c >= 'A' && c <= 'Z'; }

struct Element {
  uint32_t tag;
  char vr[3];  // empty where implicit
  uint32_t length;
};

// Reads headers at a position that only moves forward.
class Cursor {
 public:
  Cursor(Bytes bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  size_t position = 0;

  size_t size() const { return bytes_.size(); }
  uint32_t U16(size_t at) const {
    return big_endian_ ? bytes_[at] << 8 | bytes_[at + 1] : bytes_[at + 1] << 8 | bytes_[at];
  }
  uint32_t U32(size_t at) const { return big_endian_ ? U16(at) << 16 | U16(at + 2) : U16(at + 2) << 16 | U16(at); }
  uint32_t PeekTag() const { return U16(position) << 16 | U16(position + 2); }

  // The header at `position`, which moves behind it. `end`: of the container; at least 8 bytes are left in it. Group
  // 0002
  // (`meta`) has a VR of long length in one element only, so a VR that does not exist is a damaged short one there.
  Element ReadElement(bool explicit_vr, size_t end, bool meta = false) {
    Element element = {PeekTag(), "", 0};
    const bool delimiter = element.tag >> 16 == 0xfffe;
    if (!explicit_vr || delimiter) {
      element.length = U32(position + 4);
      position += 8;
      return element;
    }
    element.vr[0] = static_cast<char>(bytes_[position + 4]);
    element.vr[1] = static_cast<char>(bytes_[position + 5]);
    if (HasLongLength(element.vr) && !(meta && !IsKnownVr(element.vr))) {
      if (end - position < 12) {
        Corrupt("Element " + Hex(element.tag) + " is cut off.");
      }
      element.length = U32(position + 8);
      position += 12;
    } else {
      element.length = U16(position + 6);
      position += 8;
    }
    return element;
  }

 private:
  Bytes bytes_;
  bool big_endian_;
};

struct Level {
  size_t end;  // of the container, or of the one around it where its own length is undefined
  bool undefined;
  bool sequence;  // holds items; otherwise elements
  bool explicit_vr;
  bool tentative = false;  // looks like a sequence of known length; should it be none, the walk goes on behind it
};

// The walk over a whole data set. Fills structure.dataset and structure.pixels.
class Walk {
 public:
  Walk(Bytes bytes, const TransferSyntax& syntax, Structure& structure)
      : bytes_(bytes), cursor_(bytes, syntax.big_endian), syntax_(syntax), structure_(structure) {}

  void Run() {
    levels_.push_back({bytes_.size(), false, false, syntax_.explicit_vr});
    structure_.dataset = bytes_;
    while (!levels_.empty() && !done_) {
      Level& level = levels_.back();
      const size_t left = level.end - cursor_.position;
      if (left == 0 && (!level.undefined || levels_.size() == 1)) {
        levels_.pop_back();
      } else if (levels_.size() == 1 && TrailingBytes(left)) {
        structure_.dataset = bytes_.first(cursor_.position);
        return;
      } else if (left < 8) {
        GiveUp(left == 0 ? "It ends within a sequence." : "An element is cut off.");
      } else {
        Step(level);
      }
    }
  }

 private:
  // Some writers pad the file; zeros or a fraction of a header behind the last element are no element.
  bool TrailingBytes(size_t left) const { return left < 8 || cursor_.PeekTag() == 0; }

  void Step(const Level& level) {
    try {
      level.sequence ? StepInSequence(level) : StepInItem(level);
    } catch (const RequestError& error) {
      if (error.code != ErrorCode::corrupt_image) {
        throw;
      }
      GiveUp(error.detail);
    }
  }

  // What lies in a tentative sequence may be anything.
  void GiveUp(const std::string& detail) {
    while (!levels_.empty() && !levels_.back().tentative) {
      levels_.pop_back();
    }
    if (levels_.empty()) {
      Corrupt(detail);
    }
    cursor_.position = levels_.back().end;
    levels_.pop_back();
  }

  void Push(const Level& level) {
    if (levels_.size() >= 2 * kMaxDepth + 1) {  // a sequence and an item each
      throw RequestError(ErrorCode::too_large,
                         "DICOM file nests sequences more than " + std::to_string(kMaxDepth) + " deep");
    }
    levels_.push_back(level);
  }

  // `length` bytes from the cursor on must lie in the container.
  size_t EndOf(uint32_t length, size_t end, uint32_t tag) const {
    if (length > end - cursor_.position) {
      Corrupt("Element " + Hex(tag) + " is longer than what holds it.");
    }
    return cursor_.position + length;
  }

  void StepInSequence(const Level level) {
    const Element element = cursor_.ReadElement(level.explicit_vr, level.end);
    if (element.tag == kSequenceEnd) {
      levels_.pop_back();
    } else if (element.tag == kItem) {
      const bool undefined = element.length == kUndefined;
      Push(
          {undefined ? level.end : EndOf(element.length, level.end, element.tag), undefined, false, level.explicit_vr});
    } else {
      Corrupt("A sequence holds " + Hex(element.tag) + " where an item should be.");
    }
  }

  void StepInItem(const Level level) {
    const size_t start = cursor_.position;
    const Element element = cursor_.ReadElement(level.explicit_vr, level.end);
    if (++elements_ > kMaxElements) {
      throw RequestError(ErrorCode::too_large,
                         "DICOM file has more than " + std::to_string(kMaxElements) + " data elements");
    }
    const bool top = levels_.size() == 1;
    if (element.tag == kItemEnd && !top) {
      levels_.pop_back();
      return;
    }
    if (element.tag == kSequenceEnd || element.tag == kItem || element.tag == kItemEnd) {
      Corrupt("A delimiter stands where an element should be.");
    }
    const bool pixel_data =
        element.tag == kPixelData || element.tag == kFloatPixelData || element.tag == kDoublePixelData;
    if (top && pixel_data) {
      FoundPixels(element, start);
      return;
    }
    if (element.length == kUndefined) {
      if (pixel_data || element.vr[0] == 'O') {
        SkipFragments(level.end);
      } else {
        // UN of undefined length holds implicit VR whatever is around it (PS3.5 6.2.2 note 2).
        const bool unknown = element.vr[0] == 'U' && element.vr[1] == 'N';
        Push({level.end, true, true, level.explicit_vr && !unknown});
      }
      return;
    }
    const size_t end = EndOf(element.length, level.end, element.tag);
    // DCMTK is told to look up what was written as UN, and reads it as implicit VR.
    const bool unknown = element.vr[0] == 'U' && element.vr[1] == 'N';
    const bool sequence =
        !level.explicit_vr || unknown ? IsSequence(element.tag) : element.vr[0] == 'S' && element.vr[1] == 'Q';
    // DCMTK also knows private sequences, by their creator, which is not followed here.
    const bool tentative =
        !sequence && (!level.explicit_vr || unknown) && element.length >= 8 && cursor_.PeekTag() == kItem;
    if ((sequence && element.length > 0) || tentative) {
      Push({end, false, true, level.explicit_vr && !unknown, tentative});
    } else {
      cursor_.position = end;
    }
  }

  void SkipFragments(size_t end) {
    for (;;) {
      if (end - cursor_.position < 8) {
        Corrupt("It ends within encapsulated pixel data.");
      }
      const Element item = cursor_.ReadElement(false, end);
      if (item.tag == kSequenceEnd) {
        return;
      }
      if (item.tag != kItem || item.length == kUndefined) {
        Corrupt("Encapsulated pixel data hold " + Hex(item.tag) + " where an item should be.");
      }
      cursor_.position = EndOf(item.length, end, item.tag);
    }
  }

  void FoundPixels(const Element& element, size_t start) {
    PixelElement pixels = {};
    pixels.tag = element.tag;
    std::memcpy(pixels.vr, element.vr[0] != 0 ? element.vr : "OW", 3);
    pixels.encapsulated = element.length == kUndefined;
    pixels.value = bytes_.subspan(cursor_.position);
    if (!pixels.encapsulated) {
      pixels.truncated = element.length > pixels.value.size();
      pixels.value = pixels.value.first(std::min<size_t>(element.length, pixels.value.size()));
    }
    structure_.pixels = pixels;
    structure_.dataset = bytes_.first(start);
    done_ = true;
  }

  Bytes bytes_;
  Cursor cursor_;
  const TransferSyntax& syntax_;
  Structure& structure_;
  std::vector<Level> levels_;
  size_t elements_ = 0;
  bool done_ = false;
};

std::vector<uint8_t> Inflate(Bytes in) {
  struct Stream : z_stream {
    ~Stream() { inflateEnd(this); }
  } stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    throw std::bad_alloc();
  }
  stream.next_in = const_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(std::min<size_t>(in.size(), UINT32_MAX));
  std::vector<uint8_t> out;
  int status = Z_OK;
  while (status == Z_OK) {
    const size_t used = out.size();
    if (used > kMaxInflated) {
      throw RequestError(ErrorCode::too_large, "deflated DICOM file is too large",
                         "The limit is " + std::to_string(kMaxInflated >> 20) + " MB of inflated data.");
    }
    const size_t chunk = std::clamp<size_t>(used / 2, 1 << 16, 16 << 20);
    out.resize(used + chunk);
    stream.next_out = out.data() + used;
    stream.avail_out = static_cast<uInt>(chunk);
    status = inflate(&stream, Z_NO_FLUSH);
    out.resize(used + chunk - stream.avail_out);
    if (status == Z_BUF_ERROR || (status == Z_OK && stream.avail_in == 0 && stream.avail_out != 0)) {
      Corrupt("Its deflated data set ends too early.");
    }
  }
  if (status != Z_STREAM_END) {
    Corrupt("Its deflated data set does not inflate.");
  }
  return out;
}

// The transfer syntax of group 0002, which is always explicit little endian, and where that group ends.
std::string ReadMetaGroup(Bytes bytes, size_t& end) {
  Cursor cursor(bytes, false);
  std::string uid;
  while (cursor.size() - cursor.position >= 8 && cursor.PeekTag() >> 16 == 0x0002) {
    // A few writers leave the VRs out here too.
    const bool explicit_vr = Capital(bytes[cursor.position + 4]) && Capital(bytes[cursor.position + 5]);
    const Element element = cursor.ReadElement(explicit_vr, cursor.size(), true);
    if (element.length > cursor.size() - cursor.position) {
      Corrupt("Element " + Hex(element.tag) + " is longer than the file.");
    }
    if (element.tag == kTransferSyntaxUid) {
      for (uint8_t c : bytes.subspan(cursor.position, std::min<uint32_t>(element.length, 64))) {
        if ((c >= '0' && c <= '9') || c == '.') {
          uid += static_cast<char>(c);
        }
      }
    }
    cursor.position += element.length;
  }
  end = cursor.position;
  return uid;
}

// Trusts the first element more than the file's word about byte order and VRs: enough files contradict themselves.
void LookAtFirstElement(Bytes dataset, TransferSyntax& syntax) {
  if (dataset.size() < 8) {
    return;
  }
  const bool has_vr = Capital(dataset[4]) && Capital(dataset[5]);
  const bool looks_big = dataset[0] == 0 && dataset[1] != 0;
  if (syntax.uid.empty()) {
    syntax = LookUpTransferSyntax(!has_vr     ? "1.2.840.10008.1.2"
                                  : looks_big ? "1.2.840.10008.1.2.2"
                                              : "1.2.840.10008.1.2.1");
    syntax.uid.clear();
    return;
  }
  if (has_vr != syntax.explicit_vr) {
    syntax.explicit_vr = has_vr;
    syntax.big_endian = has_vr && looks_big;
  }
}

}  // namespace

Structure ReadStructure(Bytes file) {
  constexpr size_t kPreamble = 128;
  size_t start = 0;
  if (file.size() >= kPreamble + 4 && std::memcmp(file.data() + kPreamble, "DICM", 4) == 0) {
    start = kPreamble + 4;
  } else if (file.size() >= 4 && std::memcmp(file.data(), "DICM", 4) == 0) {
    start = 4;
  }
  Bytes rest = file.subspan(start);
  size_t meta_end = 0;
  Structure structure;
  structure.syntax = LookUpTransferSyntax(ReadMetaGroup(rest, meta_end));
  rest = rest.subspan(meta_end);
  if (structure.syntax.deflated) {
    structure.inflated = Inflate(rest);
    rest = structure.inflated;
  }
  LookAtFirstElement(rest, structure.syntax);
  Walk(rest, structure.syntax, structure).Run();
  if (structure.dataset.empty() && !structure.pixels) {
    Corrupt("It holds no data set.");
  }
  return structure;
}

}  // namespace medvec::decode::dicom
