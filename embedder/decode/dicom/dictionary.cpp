#include "dictionary.hpp"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dcspchrs.h>
#include <dcmtk/dcmdata/dctag.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>

#include <memory>
#include <vector>

namespace medvec::decode::dicom {

bool LoadLibraries() {
  OFLog::configure(OFLogger::OFF_LOG_LEVEL);
  // Components as they are in the stream: which colour space they have is decided in colour.cpp.
  DJDecoderRegistration::registerCodecs(EDC_never, EUC_never, EPC_colorByPixel);
  DJLSDecoderRegistration::registerCodecs(EJLSUC_never, EJLSPC_colorByPixel);
  DcmRLEDecoderRegistration::registerCodecs();

  // Kept open: glibc unloads a converter that nobody uses.
  static std::vector<std::unique_ptr<DcmSpecificCharacterSet>> converters;
  constexpr const char* kCharacterSets[] = {
      "ISO_IR 100",
      "ISO_IR 101",
      "ISO_IR 109",
      "ISO_IR 110",
      "ISO_IR 144",
      "ISO_IR 127",
      "ISO_IR 126",
      "ISO_IR 138",
      "ISO_IR 148",
      "ISO_IR 203",
      "ISO_IR 13",
      "ISO_IR 166",
      "ISO_IR 192",
      "GB18030",
      "GBK",
      "ISO 2022 IR 6",
      "\\ISO 2022 IR 87",
      "\\ISO 2022 IR 159",
      "\\ISO 2022 IR 149",
      "\\ISO 2022 IR 58",
      "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
      "ISO 2022 IR 100\\ISO 2022 IR 101\\ISO 2022 IR 109\\ISO 2022 IR 110\\ISO 2022 IR 144\\ISO 2022 IR 127\\"
      "ISO 2022 IR 126\\ISO 2022 IR 138\\ISO 2022 IR 148\\ISO 2022 IR 203\\ISO 2022 IR 166"};
  for (const char* name : kCharacterSets) {
    auto converter = std::make_unique<DcmSpecificCharacterSet>();
    if (converter->selectCharacterSet(name).good()) {
      OFString out;
      converter->convertString("A", out);
      converters.push_back(std::move(converter));
    }
  }
  return dcmDataDict.isDictionaryLoaded();
}

bool IsSequence(uint32_t tag) {
  return DcmTag(static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag & 0xffff)).getEVR() == EVR_SQ;
}

}  // namespace medvec::decode::dicom
