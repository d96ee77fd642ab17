// A frame of a DICOM file as it is to be shown, by the order of PS3.4 N.2: stored values, modality LUT, VOI LUT,
// presentation (inversion, colour).
#pragma once

#include "dataset.hpp"
#include "spec.hpp"

namespace medvec::decode::dicom {

// `window`: shown instead of what the file's VOI attributes say. `frame`: -1 for what `choice` says.
Image DecodeFrame(const Structure& structure, uint64_t max_pixels, long frame, embedder::FrameChoice choice,
                  const std::optional<embedder::Window>& window);

}  // namespace medvec::decode::dicom
