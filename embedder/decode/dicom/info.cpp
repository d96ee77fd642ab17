#include "info.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

#include "dataset.hpp"

namespace medvec::decode::dicom {

std::array<std::string, protocol::kImageInfoFields> Info(const Structure& structure) {
  Dataset dataset(structure);
  auto number = [&](const DcmTagKey& tag) {
    const std::optional<long> value = dataset.Integer(tag);
    return value && *value > 0 ? std::to_string(*value) : std::string();
  };
  std::string modality;
  for (char c : dataset.String(DCM_Modality).substr(0, 16)) {  // a code string: ASCII, or it is none
    modality += c >= 0x20 && c < 0x7f ? c : '?';
  }
  std::string channels = number(DCM_SamplesPerPixel);
  if (dataset.String(DCM_PhotometricInterpretation) == "PALETTE COLOR") {
    channels = "3";
  }
  std::string bits = number(DCM_BitsStored);
  std::string frames = number(DCM_NumberOfFrames);
  if (structure.pixels) {
    channels = channels.empty() ? "1" : channels;
    frames = frames.empty() ? "1" : frames;
    if (bits.empty()) {
      bits = structure.pixels->tag == 0x7fe00010   ? number(DCM_BitsAllocated)
             : structure.pixels->tag == 0x7fe00008 ? "32"
                                                   : "64";
    }
  }
  return {"dicom", number(DCM_Columns), number(DCM_Rows), channels, bits, frames, modality, structure.syntax.uid};
}

}  // namespace medvec::decode::dicom
