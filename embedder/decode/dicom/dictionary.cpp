#include "dictionary.hpp"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmdata/dcobject.h>
#include <dcmtk/dcmdata/dctag.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>

#include "charset.hpp"

namespace medvec::decode::dicom {

bool LoadLibraries() {
  OFLog::configure(OFLogger::OFF_LOG_LEVEL);
  // Components as they are in the stream: which colour space they have is decided in colour.cpp.
  DJDecoderRegistration::registerCodecs(EDC_never, EUC_never, EPC_colorByPixel);
  DJLSDecoderRegistration::registerCodecs(EJLSUC_never, EJLSPC_colorByPixel);

  // Elements that a gateway wrote as UN, and the dictionary knows, are what the dictionary says.
  dcmEnableUnknownVRConversion.set(OFTrue);
  OpenConverters();
  return dcmDataDict.isDictionaryLoaded();
}

bool HasLongLength(const char* vr) { return DcmVR(vr).usesExtendedLengthEncoding(); }

bool IsKnownVr(const char* vr) {
  const DcmEVR known = DcmVR(vr).getEVR();
  return known != EVR_UNKNOWN && known != EVR_UNKNOWN2B;
}

bool IsSequence(uint32_t tag) {
  return DcmTag(static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag & 0xffff)).getEVR() == EVR_SQ;
}

}  // namespace medvec::decode::dicom
