// Where things lie in a DICOM file (PS3.10 7, PS3.5 7), found without recursion and before any library parses it.
//
// DCMTK reads nested sequences by recursion and values by allocating what a length field says. So this walk goes first:
// it bounds the depth and the number of elements, refuses lengths that leave their container, inflates under a limit,
// and finds the pixel data, which stay where they are: DCMTK is given the bytes before them only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../image.hpp"
#include "transfer_syntax.hpp"

namespace medvec::decode::dicom {

inline constexpr size_t kMaxDepth = 64;  // sequences within sequences; real files stay below 10
inline constexpr size_t kMaxElements = 1 << 20;
inline constexpr size_t kMaxInflated = 512 << 20;  // of a deflated data set

struct PixelElement {
  uint32_t tag;       // 7FE00010, 7FE00008 (float) or 7FE00009 (double)
  char vr[3];         // "OB", "OW", ...; "OW" where it is implicit
  bool encapsulated;  // undefined length
  Bytes value;        // what there is of it; for encapsulated data the items, from the offset table's on
  bool truncated;     // the element claims more bytes than the file has
};

struct Structure {
  Structure() = default;
  Structure(Structure&&) = default;  // not copied: the views would point into the original
  Structure& operator=(Structure&&) = default;

  TransferSyntax syntax;  // explicit_vr and big_endian as found, should the file not be what it says
  Bytes dataset;          // the data set up to the pixel data
  std::optional<PixelElement> pixels;

  // Owns `dataset` and `pixels` of a deflated file.
  std::vector<uint8_t> inflated;
};

// Throws corrupt_image or too_large.
Structure ReadStructure(Bytes file);

}  // namespace medvec::decode::dicom
