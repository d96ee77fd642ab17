#include "dicom/structure.hpp"

#include <gtest/gtest.h>

#include "decoder.hpp"
#include "dicom_file.hpp"

namespace medvec::decode::dicom {
namespace {

ErrorCode CodeOf(const std::string& file) {
  try {
    ReadStructure(AsBytes(file));
  } catch (const RequestError& error) {
    return error.code;
  }
  return ErrorCode{};
}

TEST(Structure, FindsThePixelData) {
  const std::string file = DicomFile().Grey(2, 1, 8, 8).Pixels<uint8_t>({1, 2}).WithPreamble();
  const Structure structure = ReadStructure(AsBytes(file));
  ASSERT_TRUE(structure.pixels);
  EXPECT_EQ(structure.pixels->value.size(), 2u);
  EXPECT_FALSE(structure.pixels->encapsulated);
  EXPECT_EQ(structure.syntax.uid, "1.2.840.10008.1.2.1");
}

TEST(Structure, NestingIsBounded) {
  DicomFile item;
  for (int depth = 0; depth < 60; ++depth) {
    DicomFile outer;
    outer.Sequence(0x00081140, item);
    item = outer;
  }
  EXPECT_EQ(CodeOf(item.WithPreamble()), ErrorCode{});
  for (int depth = 0; depth < 10; ++depth) {
    DicomFile outer;
    outer.Sequence(0x00081140, item);
    item = outer;
  }
  EXPECT_EQ(CodeOf(item.WithPreamble()), ErrorCode::too_large);

  // Of undefined length, cheap to write deep: a million levels must not cost a stack.
  const std::string level("\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff", 20);
  std::string deep;
  for (int i = 0; i < 1'000'000; ++i) {
    deep += level;
  }
  EXPECT_EQ(CodeOf(DicomFile().WithPreamble() + deep), ErrorCode::too_large);
}

TEST(Structure, NestingInUnknownElementsIsBounded) {
  // Implicit VR, a private tag that DCMTK's dictionary has as a sequence: the length is known, the VR is not.
  auto implicit = [](uint16_t group, uint16_t element, const std::string& value) {
    const uint32_t length = static_cast<uint32_t>(value.size());
    return DicomFile::Raw<uint16_t>({group, element}) + DicomFile::Raw<uint32_t>({length}) + value;
  };
  const std::string creator = implicit(0x0009, 0x0010, "CARDIO-D.R. 1.0 ");
  std::string deep = creator;
  for (int depth = 0; depth < 100; ++depth) {
    deep = creator + implicit(0x0009, 0x1040, implicit(0xfffe, 0xe000, deep));
  }
  EXPECT_EQ(CodeOf(DicomFile().WithPreamble("1.2.840.10008.1.2") + implicit(0x0008, 0x0060, "CT") + deep),
            ErrorCode::too_large);
  // Bytes that begin like an item and are none do no harm.
  const std::string odd = implicit(0x0009, 0x1041, DicomFile::Raw<uint16_t>({0xfffe, 0xe000, 0xffff, 0x7fff, 1, 2}));
  EXPECT_EQ(CodeOf(DicomFile().WithPreamble("1.2.840.10008.1.2") + implicit(0x0008, 0x0060, "CT") + odd), ErrorCode{});
}

TEST(Structure, LengthsMustStayInTheirContainer) {
  std::string file = DicomFile().Element(0x00100010, "PN", "A^B ").WithPreamble();
  file[file.size() - 6] = 5;
  EXPECT_EQ(CodeOf(file), ErrorCode::corrupt_image);
  EXPECT_EQ(CodeOf(DicomFile().WithPreamble() + std::string("\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff", 12)),
            ErrorCode::corrupt_image);  // ends within a sequence
  EXPECT_EQ(CodeOf(DicomFile().WithPreamble() + std::string("\x10\0\x10\0UT\0\0\xff\xff\xff\x7f", 12)),
            ErrorCode::corrupt_image);
  EXPECT_EQ(CodeOf(std::string(128, '\0') + "DICM"), ErrorCode::corrupt_image);
}

TEST(Structure, EveryCutOfAFileIsRefusedOrRead) {
  DicomFile item;
  item.Element(0x00080100, "SH", "code");
  const std::string file =
      DicomFile().Sequence(0x00081140, item).Grey(4, 1, 16, 12).Pixels<uint16_t>({1, 2, 3, 4}).WithPreamble();
  for (size_t length = 0; length < file.size(); ++length) {
    const std::string cut = file.substr(0, length);
    EXPECT_THROW(DecodeImage(AsBytes(cut), {1000, 0, -1}), RequestError) << length;
  }
  EXPECT_EQ(DecodeImage(AsBytes(file), {1000, 0, -1}).width(), 4);
}

TEST(Structure, DeflateBombIsBounded) {
  std::string stored;  // raw deflate: a run of zero bytes, repeated back-references of 258
  // One fixed-Huffman block: literal 0, then many (length 258, distance 1), never ended. 1e6 matches are 258 MB.
  std::vector<bool> bits = {true, true, false};  // final, type 1
  auto huffman = [&bits](unsigned code, int count) {
    for (int i = count - 1; i >= 0; --i) {
      bits.push_back(code >> i & 1);
    }
  };
  huffman(0b00110000, 8);
  for (int i = 0; i < 2'200'000; ++i) {
    huffman(0b11000101, 8);  // 285
    huffman(0b00000, 5);
  }
  for (size_t i = 0; i < bits.size(); i += 8) {
    unsigned byte = 0;
    for (size_t k = 0; k < 8 && i + k < bits.size(); ++k) {
      byte |= bits[i + k] << k;
    }
    stored += static_cast<char>(byte);
  }
  EXPECT_EQ(CodeOf(DicomFile().WithPreamble("1.2.840.10008.1.2.1.99") + stored), ErrorCode::too_large);
}

TEST(Structure, VrsThatContradictTheTransferSyntax) {
  const std::string file = DicomFile().Grey(1, 1, 8, 8).Pixels<uint8_t>({1}).WithPreamble("1.2.840.10008.1.2");
  EXPECT_TRUE(ReadStructure(AsBytes(file)).syntax.explicit_vr);
  EXPECT_TRUE(ReadStructure(AsBytes(file)).pixels);
}

}  // namespace
}  // namespace medvec::decode::dicom
