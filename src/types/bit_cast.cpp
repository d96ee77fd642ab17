// Bit strings of bytes, such as the fingerprints that other extensions give as bytea.
#include <cstring>

#include "pg/bits.hpp"

using namespace medvec;

// (bytea), or as a cast (bytea, typmod, explicit). The first byte's most significant bit is the leftmost. Unlike the
// server's casts to bit(n) an explicit one neither cuts nor fills: a fingerprint of another length is an error.
MEDVEC_FUNCTION(medvec_bytea_to_bit) {
  bytea* bytes = PG_GETARG_BYTEA_PP(0);
  const int32 typmod = PG_NARGS() > 1 ? PG_GETARG_INT32(1) : -1;
  const Size size = VARSIZE_ANY_EXHDR(bytes);
  if (size > VARBITMAXLEN / BITS_PER_BYTE)
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                    errmsg("bit string length exceeds the maximum allowed (%d)", VARBITMAXLEN)));
  const int32 length = static_cast<int32>(size * BITS_PER_BYTE);
  if (typmod > 0 && length != typmod)
    ereport(ERROR, (errcode(ERRCODE_STRING_DATA_LENGTH_MISMATCH),
                    errmsg("bit string length %d does not match type bit(%d)", length, typmod)));
  VarBit* bits = static_cast<VarBit*>(palloc(VARBITTOTALLEN(length)));
  SET_VARSIZE(bits, VARBITTOTALLEN(length));
  VARBITLEN(bits) = length;
  std::memcpy(VARBITS(bits), VARDATA_ANY(bytes), size);
  PG_FREE_IF_COPY(bytes, 0);
  PG_RETURN_VARBIT_P(bits);
}
