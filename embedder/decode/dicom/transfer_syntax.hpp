// The transfer syntaxes of DICOM PS3.5 and PS3.6 annex A, and what medvec makes of each.
#pragma once

#include <string>
#include <string_view>

namespace medvec::decode::dicom {

enum class Codec { native, rle, jpeg, jpeg_lossless, jpeg_ls, jpeg2000, none };

struct TransferSyntax {
  std::string uid;  // empty where the file does not say
  const char* name;
  bool explicit_vr;
  bool big_endian;
  bool deflated;
  bool encapsulated;  // pixel data come in fragments (PS3.5 A.4)
  Codec codec;        // none: headers are read, pixels are not
};

// A UID that is not in the table is taken for encapsulated explicit little endian, as PS3.5 A.4 asks of all newer ones.
TransferSyntax LookUpTransferSyntax(std::string_view uid);

}  // namespace medvec::decode::dicom
