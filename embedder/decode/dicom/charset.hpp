// Text of DICOM's character sets to UTF-8 (PS3.3 C.12.1.1.2, PS3.5 6.1.2.5).
//
// Our own and not DCMTK's: built with glibc's iconv, as Debian builds it, DCMTK knows no Japanese. Here iconv converts
// runs of one coding, and the escape sequences of ISO 2022 between them are followed here.
#pragma once

#include <string>
#include <string_view>

namespace medvec::decode::dicom {

// Opens every converter once: glibc's are shared objects, and the sandbox forbids to open files. One that this machine
// does not have is done without.
void OpenConverters();

class Charset {
 public:
  // Specific Character Set (0008,0005), values separated by backslashes; empty: the default repertoire, ASCII.
  explicit Charset(std::string_view specific_character_set);

  // Bytes that do not convert become U+FFFD. Of the default repertoire, and of an unknown set, bytes are left as they
  // are. ASCII delimiters in the result are delimiters: converting comes before splitting, since the second byte of a
  // Chinese or Japanese character may be a backslash.
  std::string ToUtf8(std::string_view text) const;

 private:
  int initial_ = 0;     // coding of bytes from 0x80 up before any escape sequence
  bool whole_ = false;  // multi-byte without escape sequences: GB18030, GBK
};

}  // namespace medvec::decode::dicom
