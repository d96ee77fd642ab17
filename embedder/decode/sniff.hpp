// What a file is, by its first bytes.
#pragma once

#include "image.hpp"

namespace medvec::decode {

enum class Format { dicom, png, jpeg };

// Throws not_an_image for everything else. A DICOM data set without preamble is recognised when it begins with a
// plausible element of group 0002 or 0008.
Format Sniff(Bytes file);

}  // namespace medvec::decode
