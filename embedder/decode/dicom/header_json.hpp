// The header as the DICOM JSON model (PS3.18 annex F).
//
// Written here and not by DCMTK's own writer, which gives up on the whole file at one value JSON cannot hold. The
// rules:
//   - Left out: group 0002, group lengths (PS3.18 F.2.2), everything from the pixel data on, and binary values (OB, OD,
//   OF,
//     OL, OV, OW, UN) of more than 1 KiB. Shorter ones are InlineBinary.
//   - Text is UTF-8, converted from Specific Character Set, of an item its own or else the one around it. What does not
//     convert, and control characters other than tab and line ends, become U+FFFD; NUL ends a value. jsonb takes all of
//     it.
//   - DS, IS, FL, FD are numbers; what is not a finite number stays a string as it stood ("NaN", "Infinity",
//   "-Infinity").
//   - PN is an object of Alphabetic, Ideographic, Phonetic.
#pragma once

#include <string>

#include "structure.hpp"

namespace medvec::decode::dicom {

inline constexpr size_t kMaxInlineBinary = 1024;
inline constexpr size_t kMaxHeaderJson = 128 << 20;

std::string HeaderJson(const Structure& structure);

}  // namespace medvec::decode::dicom
