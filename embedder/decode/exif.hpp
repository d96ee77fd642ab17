// The one datum of EXIF that decoding needs: how the camera was held.
#pragma once

#include "image.hpp"

namespace medvec::decode {

// The value of tag 0x0112 of the first image file directory (EXIF 2.3, 4.6.4), 1 to 8; 1 where it is absent, out of
// range or the block is malformed. `block` is an APP1 segment's content, beginning with "Exif".
int ExifOrientation(Bytes block);

// The picture as it is meant to be seen: 2 to 8 are the mirrored and turned positions of EXIF, 1 leaves it alone.
Image Upright(Image image, int orientation);

}  // namespace medvec::decode
