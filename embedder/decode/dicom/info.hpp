// What image_info says of a DICOM file.
#pragma once

#include <array>

#include "structure.hpp"

namespace medvec::decode::dicom {

// "dicom", Columns, Rows, channels (3 for a palette), Bits Stored, frames, Modality, transfer syntax UID. A file
// without pixel data has empty strings for what it does not say.
std::array<std::string, protocol::kImageInfoFields> Info(const Structure& structure);

}  // namespace medvec::decode::dicom
