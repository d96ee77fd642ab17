// Distances between the server's bit strings; the operators are bit.sql's.
#include "core/bit_distance.hpp"

#include <cstring>

#include "pg/bits.hpp"
#include "pg/scanned_arg.hpp"

using namespace medvec;

namespace {

// Chosen when the library is loaded.
const BitDistanceKernels kKernels = GetBitDistanceKernels();

ScannedArg args[2];

// What a bit string holds: its bits, the first the most significant of the first byte. The server keeps those of the
// last byte that are too many 0, also where a client sent others.
struct BitString {
  uint32_t length;
  size_t size;  // in bytes
  const uint8_t* bytes;

  explicit BitString(const struct varlena* packed)
      : size(VARSIZE_ANY_EXHDR(packed) - sizeof length),
        bytes(reinterpret_cast<const uint8_t*>(VARDATA_ANY(packed)) + sizeof length) {
    std::memcpy(&length, VARDATA_ANY(packed), sizeof length);
  }
};

template <class Distance>
Datum ReturnDistance(FunctionCallInfo fcinfo, Distance distance) {
  return medvec::ReturnDistance<&ScannedArg::GetPacked>(
      fcinfo, args, [&](const struct varlena* packed_a, const struct varlena* packed_b) -> double {
        const BitString a(packed_a), b(packed_b);
        if (unlikely(a.length != b.length))
          ereport(ERROR,
                  (errcode(ERRCODE_DATA_EXCEPTION), errmsg("different bit lengths %u and %u", a.length, b.length)));
        return distance(a.bytes, b.bytes, a.size);
      });
}

}  // namespace

MEDVEC_FUNCTION(medvec_bit_hamming_distance) { return ReturnDistance(fcinfo, kKernels.hamming); }

MEDVEC_FUNCTION(medvec_bit_jaccard_distance) {
  return ReturnDistance(fcinfo, [](const uint8_t* a, const uint8_t* b, size_t size) {
    return JaccardDistance(kKernels.overlap(a, b, size));
  });
}
