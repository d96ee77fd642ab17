#include "dicom/header_json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "dicom_file.hpp"

namespace medvec::decode::dicom {
namespace {

nlohmann::json Header(const DicomFile& file) {
  const std::string bytes = file.WithPreamble();
  return nlohmann::json::parse(HeaderJson(ReadStructure(AsBytes(bytes))));
}

TEST(HeaderJson, ValuesByVr) {
  DicomFile item;
  item.Element(0x00080100, "SH", "code");
  const auto header = Header(DicomFile()
                                 .Element(0x00080005, "CS", "ISO_IR 100")
                                 .Element(0x00080060, "CS", "CR")
                                 .Sequence(0x00081140, item)
                                 .Element(0x00100010, "PN", "M\xfcller^A==x")
                                 .Element(0x00101030, "DS", " 70.50 ")
                                 .Element(0x00200013, "IS", "007")
                                 .Short(0x00280010, 5)
                                 .Short(0x00280106, -5, "SS")
                                 .Pixels<uint8_t>({1}));
  EXPECT_EQ(header.dump(), R"({"00080005":{"Value":["ISO_IR 192"],"vr":"CS"},"00080060":{"Value":["CR"],"vr":"CS"},)"
                           R"("00081140":{"Value":[{"00080100":{"Value":["code"],"vr":"SH"}}],"vr":"SQ"},)"
                           R"("00100010":{"Value":[{"Alphabetic":"Müller^A","Phonetic":"x"}],"vr":"PN"},)"
                           R"("00101030":{"Value":[70.5],"vr":"DS"},"00200013":{"Value":[7],"vr":"IS"},)"
                           R"("00280010":{"Value":[5],"vr":"US"},"00280106":{"Value":[-5],"vr":"SS"}})");
}

TEST(HeaderJson, WhatJsonbWouldRefuse) {
  const auto header =
      Header(DicomFile()
                 .Element(0x00081030, "LO", std::string("a\0b\x01", 4))
                 .Element(0x00181000, "LO", "\x01\xff\"\\")
                 .Element(0x00189073, "FD",
                          DicomFile::Raw<double>({std::nan(""), 1.5, -std::numeric_limits<double>::infinity()}))
                 .Element(0x00101030, "DS", "NaN\\1e999\\x\\\\-.5"));
  EXPECT_EQ(header["00081030"]["Value"].dump(), R"(["a"])");
  EXPECT_EQ(header["00181000"]["Value"].dump(), R"(["��\"",null])");
  EXPECT_EQ(header["00189073"]["Value"].dump(), R"(["NaN",1.5,"-Infinity"])");
  EXPECT_EQ(header["00101030"]["Value"].dump(), R"(["NaN","1e999","x",null,-0.5])");
}

TEST(HeaderJson, BinaryValues) {
  const auto header = Header(DicomFile()
                                 .Element(0x00091001, "OB", "abcd")
                                 .Element(0x00091002, "OB", std::string(1025, 'x'))
                                 .Element(0x00091003, "UN", ""));
  EXPECT_EQ(header["00091001"].dump(), R"({"InlineBinary":"YWJjZA==","vr":"OB"})");
  EXPECT_FALSE(header.contains("00091002"));
  EXPECT_EQ(header["00091003"].dump(), R"({"vr":"UN"})");
}

}  // namespace
}  // namespace medvec::decode::dicom
