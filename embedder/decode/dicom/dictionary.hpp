// What DCMTK loads from files, loaded before the sandbox forbids to open any.
#pragma once

#include <cstdint>

namespace medvec::decode::dicom {

// The data dictionary, the codecs, and one converter for every character set of PS3.3 C.12.1.1.2 (glibc's come as
// shared objects). Called once, before serving; false when the data dictionary is not there.
bool LoadLibraries();

// Whether an element of this explicit VR has two reserved bytes and a 32-bit length (PS3.5 7.1.2). DCMTK is asked, so
// that the walk and the parser agree on VRs that do not exist.
bool HasLongLength(const char* vr);

bool IsKnownVr(const char* vr);

// Whether the dictionary says that `tag` is a sequence, for implicit VR.
bool IsSequence(uint32_t tag);

}  // namespace medvec::decode::dicom
